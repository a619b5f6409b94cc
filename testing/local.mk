# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors

include testing/unit/lib.mk
include testing/fuzz/fuzz.mk
