# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What is installed for other programs to read, strongSwan excepted (plugin/),
# the agent's configuration, unit and man pages, and the check of the man pages.

bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA =

guidedir = $(docdir)
dist_guide_DATA = doc/operator-guide.md

EXTRA_DIST += README.md conf/bash-completion/ppvpn.bash doc/packaging.md \
	testing/packages/test-packages testing/packages/test-units

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

EXTRA_DIST += conf/apparmor/ppvpn-agent conf/apparmor/ppvpn-server
EXTRA_DIST += conf/agent.conf conf/NetworkManager/50-ppvpn.conf \
	conf/networkd/10-ppvpn.network conf/networkd/50-ppvpn.conf \
	conf/sysctl/60-ppvpn.conf \
	agent/ppvpn-agent.service.in agent/ppvpn.sysusers
CLEANFILES += agent/ppvpn-agent.service agent/ppvpn-agent.conf

if ENABLE_AGENT
dist_man_MANS += agent/agent.conf.5 agent/ppvpn-agent.8 agent/ppvpnctl.8
pkgsysconf_DATA += conf/agent.conf
sysctldir = $(prefix)/lib/sysctl.d
sysctl_DATA = conf/sysctl/60-ppvpn.conf
if HAVE_SYSTEMDSYSTEMUNITDIR
agentunitdir = $(systemdsystemunitdir)
agentunit_DATA = agent/ppvpn-agent.service
endif
if HAVE_SYSUSERSDIR
agentsysusersdir = $(sysusersdir)
agentsysusers_DATA = agent/ppvpn-agent.conf
endif
if HAVE_NETWORKDCONFDIR
networkdconf_DATA = conf/networkd/50-ppvpn.conf
networkdlinkdir = $(networkdconfdir)/../network
networkdlink_DATA = conf/networkd/10-ppvpn.network
endif
if HAVE_NMCONFDIR
nmconf_DATA = conf/NetworkManager/50-ppvpn.conf
endif
apparmor_DATA += conf/apparmor/ppvpn-agent
endif

agent/ppvpn-agent.conf: agent/ppvpn.sysusers
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@

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
