# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Do the man pages say what the programs can?

TESTS += testing/unit/test_agent_docs.sh testing/unit/test_manpages.sh \
	testing/unit/test_unit_files.sh
EXTRA_DIST += testing/unit/test_agent_docs.sh testing/unit/test_manpages.sh \
	testing/unit/test_unit_files.sh
