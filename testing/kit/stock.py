# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
"""A router without the product: swanctl's configuration of one connection by pre-shared key or certificate, fit for a site's other end."""

CONFIGURATION = """
connections {{
    {name} {{
        version = 2
        send_cert = always
        local_addrs = {local}
        remote_addrs = {remote}
        proposals = aes256gcm16-prfsha384-ecp384,aes128gcm16-prfsha256-x25519
        local {{ auth = {auth}
                {certs}
                id = {me} }}
        remote {{ auth = {auth}
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
"""

SECRET = """
secrets {{
    ike-{name} {{
        id-1 = {me}
        id-2 = {peer}
        secret = 0x{secret}
    }}
}}
"""


def load(node, name, text):
    node.write(f"/etc/swanctl/conf.d/{name}.conf", text)
    node.restart_charon()
    return node.run(f"swanctl --initiate --child {name} --timeout 10", check=False, timeout=30)


def call(node, name, **words):
    """Becomes that with local, remote, me, peer, secret, and calls once."""
    return load(node, name, (CONFIGURATION + SECRET).format(name=name, auth="psk", certs="", **words))


def call_certified(node, name, certificate, key, authority, **words):
    """The same with a certificate and its key instead of a secret, and the authority that it trusts; all in PEM."""
    for directory, text, mode in (("x509", certificate, 0o644), ("private", key, 0o600), ("x509ca", authority, 0o644)):
        node.write(f"/etc/swanctl/{directory}/{name}.pem", text, mode)
    return load(node, name, CONFIGURATION.format(name=name, auth="pubkey", certs=f"certs = {name}.pem", **words))
