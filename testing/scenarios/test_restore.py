# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The provider's database of yesterday: restored by the documented steps the routers take it, put back by hand they
# refuse it and say so; tunnels between those who are in both go on.
import time

from kit.server import STATE

CONFIG = "/etc/ppvpn/server.conf"
SITES = ["paris", "lyon", "nice"]


def revision(ce):
    status = ce.ctl_json("status")
    return status["epoch"], status["revision"]


def alarmed(ce):
    """Whether the alarm of an older document stands; one that was cleared is listed too."""
    return any(alarm["code"] == "document-stale" and alarm["severity"] != "cleared" for alarm in ce.ctl_json("alarms")["alarms"])


def stop(server):
    server.stop("ppvpn-server")


def test_restored_or_rolled_back(three):
    server, paris = three.server, three.ce("paris")
    for ce in three.ces.values():
        ce.wait_plan_empty()
    # the backup, while the server runs
    server.run(f"ppvpn-server backup /root/backup.tar --config {CONFIG}")
    server.run(f"cp -a {STATE} /root/keys")
    before = revision(paris)
    three.join("brest")
    three.wait_in_service(timeout=90)
    after = revision(paris)
    assert after > before, (before, after)
    pings = three.pings([("paris", "lyon"), ("nice", "paris")])

    # a silent roll-back: yesterday's file put back by hand
    stop(server)
    server.run(f"mv {STATE} /root/newest")
    server.run(f"cp -a /root/keys {STATE}")
    server.run(f"rm -f {STATE}/ppvpn.db {STATE}/ppvpn.db-wal {STATE}/ppvpn.db-shm")
    server.run("tar xf /root/backup.tar -C /root")
    server.run(f"install -m 600 -o ppvpn-server -g ppvpn-server /root/ppvpn-backup/ppvpn.db {STATE}/ppvpn.db")
    server.start()
    for name in SITES:
        ce = three.ce(name)
        ce.wait_until(lambda: alarmed(ce), 60, f"{name}'s alarm")
        assert revision(ce) == after, "took a lower revision of the same epoch"
        assert "brest" in ce.peer_names(), "lost a peer to a roll-back"

    # the same backup, restored
    stop(server)
    server.run(f"rm -rf {STATE}")
    begin = time.monotonic()
    server.run(f"install -d -m 700 -o ppvpn-server -g ppvpn-server {STATE}")
    print(server.run(f"ppvpn-server restore /root/backup.tar --state-dir {STATE} --keys /root/keys").stdout)
    server.start()
    for name in SITES:
        ce = three.ce(name)
        ce.wait_until(lambda: revision(ce)[0] > after[0], 60, f"{name} takes the new epoch")
        ce.wait_until(lambda: ce.peer_names() == sorted(set(SITES) - {name}), 60, f"{name}'s peers are those of the backup")
        ce.wait_until(lambda: not alarmed(ce), 60, f"{name}'s alarm is cleared")
        ce.wait_plan_empty()
    took = time.monotonic() - begin
    print(f"restored, routers with it: {took:.1f} s")
    assert took < 300
    server.run(f"ppvpn-server check --config {CONFIG}")
    # and it goes on from there
    restored = revision(paris)
    three.admin("ce add acme/later --address 192.0.2.99")
    three.admin("site add acme/corp/later --ce later")
    paris.wait_until(lambda: revision(paris) > restored, 30, "a change after the restore")
    assert "later" in paris.ctl("peers").stdout
    results = pings.stop()
    assert results.lost == 0, results
