# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
