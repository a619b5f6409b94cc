# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
"""A router without the product: swanctl's configuration of one connection by pre-shared key, fit for a site's other end."""

CONFIGURATION = """
connections {{
    {name} {{
        version = 2
        local_addrs = {local}
        remote_addrs = {remote}
        proposals = aes256gcm16-prfsha384-ecp384,aes128gcm16-prfsha256-x25519
        local {{ auth = psk
                id = {me} }}
        remote {{ auth = psk
                 id = {peer} }}
        children {{
            {name} {{
                local_ts = 0.0.0.0/0
                remote_ts = 0.0.0.0/0
                esp_proposals = aes256gcm16-ecp384,aes128gcm16-x25519
                mark_in = 7
                mark_out = 7
            }}
        }}
    }}
}}
secrets {{
    ike-{name} {{
        id-1 = {me}
        id-2 = {peer}
        secret = 0x{secret}
    }}
}}
"""


def call(node, name, **words):
    """Becomes that with local, remote, me, peer, secret, and calls once."""
    node.write(f"/etc/swanctl/conf.d/{name}.conf", CONFIGURATION.format(name=name, **words))
    node.restart_charon()
    return node.run(f"swanctl --initiate --child {name} --timeout 10", check=False, timeout=30)
