# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The lab's kit: routers, hosts, links, daemons and captures as Python objects, inside a lab kernel.
