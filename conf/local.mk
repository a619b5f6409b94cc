# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What is installed for other programs to read, strongSwan excepted (plugin/),
# and the check of the man pages.

bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA =

EXTRA_DIST += conf/bash-completion/ppvpn.bash

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
