# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The agent's netlink backend alone against the lab's kernel: testing/unit/netlink-kernel.c, in a namespace of its own.


def test_netlink_backend(lab):
    done = lab.pe.run("/usr/local/lib/ppvpn-test/netlink-kernel", check=False, timeout=300)
    assert done.returncode == 0 and done.stdout.rstrip().endswith(" 0 failed"), done.stdout[-6000:] + done.stderr[-1000:]
