# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What is installed for other programs to read, strongSwan excepted (plugin/),
# and the check of the man pages.

bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA =

guidedir = $(docdir)
dist_guide_DATA = doc/operator-guide.md

EXTRA_DIST += conf/bash-completion/ppvpn.bash doc/packaging.md \
	testing/packages/test-packages

# the packages can be built from a release
EXTRA_DIST += \
	debian/README.source debian/changelog debian/control debian/copyright \
	debian/ppvpn-agent.docs debian/ppvpn-agent.install \
	debian/ppvpn-agent.postinst debian/ppvpn-agent.postrm \
	debian/ppvpn-agent.prerm \
	debian/ppvpn-server.docs debian/ppvpn-server.install \
	debian/ppvpn-server.postinst debian/ppvpn-server.postrm \
	debian/ppvpn-server.prerm \
	debian/not-installed debian/rules debian/source/format \
	debian/strongswan-plugin-ppvpn.docs \
	debian/strongswan-plugin-ppvpn.install \
	debian/strongswan-plugin-ppvpn.postinst \
	debian/strongswan-plugin-ppvpn.postrm \
	debian/strongswan-plugin-ppvpn.preinst \
	debian/tests/agent debian/tests/control debian/tests/plugin \
	debian/tests/server

# bash-completion finds a file by the name of the command
if ENABLE_AGENT
bashcompletion_DATA += conf/bash-completion/ppvpn-agent \
	conf/bash-completion/ppvpnctl
endif
if ENABLE_SERVER
bashcompletion_DATA += conf/bash-completion/ppvpn-admin \
	conf/bash-completion/ppvpn-server
endif

CLEANFILES += $(bashcompletion_DATA)

$(bashcompletion_DATA): conf/bash-completion/ppvpn.bash
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		cp $(top_srcdir)/conf/bash-completion/ppvpn.bash $@

include testing/unit/docs.mk
