# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
"""A certificate authority of a test's, by the openssl command.

Makes certificates right and wrong, of any validity, and revocation lists.
Keys are made for each run; nothing outlives its directory.
"""

import hashlib
import json
import os
import subprocess
import time

CONF = """
[ca]
default_ca = this
[this]
database = {dir}/index
new_certs_dir = {dir}
serial = {dir}/serial
crlnumber = {dir}/crlnumber
certificate = {dir}/ca.pem
private_key = {dir}/ca.key
default_md = {md}
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[list]
authorityKeyIdentifier = keyid
[request]
distinguished_name = nothing
[nothing]
"""

LEAF = """
[leaf]
basicConstraints = critical,CA:{ca}
keyUsage = critical,{usage}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{more}
"""


def openssl(*words, **more):
    return subprocess.run(("openssl",) + words, check=True, text=True,
                          capture_output=True, **more).stdout


def openssl_in(data, *words):
    subprocess.run(("openssl",) + words, check=True, input=data,
                   capture_output=True)


def make_key(path, kind):
    options = {"ed25519": ["-algorithm", "ED25519"],
               "ecdsa": ["-algorithm", "EC", "-pkeyopt",
                         "ec_paramgen_curve:P-256"],
               "rsa": ["-algorithm", "RSA", "-pkeyopt",
                       "rsa_keygen_bits:2048"]}[kind]
    openssl("genpkey", *options, "-out", path)


def read(path):
    """The PEM block of a file, without text around it."""
    with open(path, encoding="ascii") as file:
        text = file.read()
    return text[text.index("-----BEGIN"):].strip() + "\n"


def at(days):
    """A time that many days from now, as openssl takes it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() +
                                                      days * 86400))


class Certificate:
    """A certificate and its key: PEM, and the files they are in."""

    def __init__(self, path, key):
        self.path, self.key_path = path, key
        self.pem, self.key = read(path), read(key)


class Authority:
    """A CA: self-signed, or an intermediate one of another."""

    def __init__(self, base, name, kind="ecdsa", issuer=None):
        self.dir = f"{base}/{name}"
        self.count = 0
        os.mkdir(self.dir)
        for file, content in (("index", ""), ("serial", "1001\n"),
                              ("crlnumber", "01\n")):
            with open(f"{self.dir}/{file}", "w", encoding="ascii") as out:
                out.write(content)
        with open(f"{self.dir}/conf", "w", encoding="ascii") as out:
            out.write(CONF.format(dir=self.dir,
                                  md="default" if kind == "ed25519" else
                                  "sha256"))
        if issuer:
            one = issuer.issue(name, kind=kind, ca=True)
            os.rename(one.path, f"{self.dir}/ca.pem")
            os.rename(one.key_path, f"{self.dir}/ca.key")
        else:
            make_key(f"{self.dir}/ca.key", kind)
            openssl("req", "-x509", "-new", "-config", f"{self.dir}/conf",
                    "-key", f"{self.dir}/ca.key", "-subj", f"/CN={name}",
                    "-days", "3650", "-extensions", "authority",
                    "-out", f"{self.dir}/ca.pem")
        self.path = f"{self.dir}/ca.pem"
        self.pem = read(self.path)

    def issue(self, identity, kind="ed25519", ca=False, eku="1.3.6.1.5.5.7.3.17",
              begin=-1, end=30, key=None):
        """A certificate of an identity: valid from begin to end, in days.

        eku: extended key usage, IKE's unless told; "" for none.
        """
        self.count += 1
        path = f"{self.dir}/leaf{self.count}"
        if not key:
            make_key(f"{path}.key", kind)
            key = f"{path}.key"
        more = "" if ca else f"subjectAltName = DNS:{identity}\n"
        if eku and not ca:
            more += f"extendedKeyUsage = {eku}\n"
        self._sign(path, key, identity, more, ca, begin, end)
        return Certificate(f"{path}.pem", key)

    def issue_for(self, request, identity, begin=-1, end=30):
        """The PEM of a certificate for the key of a request (DER)."""
        self.count += 1
        path = f"{self.dir}/leaf{self.count}"
        openssl_in(request, "req", "-inform", "DER", "-out", f"{path}.csr")
        self._certify(path, f"subjectAltName = DNS:{identity}\n"
                      "extendedKeyUsage = 1.3.6.1.5.5.7.3.17\n", False,
                      begin, end)
        return read(f"{path}.pem")

    def issue_ca_of(self, identity):
        """A CA's certificate that has a site's identity all the same."""
        self.count += 1
        path = f"{self.dir}/leaf{self.count}"
        make_key(f"{path}.key", "ed25519")
        self._sign(path, f"{path}.key", identity,
                   f"subjectAltName = DNS:{identity}\n", True, -1, 30)
        return Certificate(f"{path}.pem", f"{path}.key")

    def _sign(self, path, key, name, more, ca, begin, end):
        openssl("req", "-new", "-config", f"{self.dir}/conf", "-key", key,
                "-subj", f"/CN={name}", "-out", f"{path}.csr")
        self._certify(path, more, ca, begin, end)

    def _certify(self, path, more, ca, begin, end):
        usage = ("digitalSignature,keyCertSign,cRLSign" if ca else
                 "digitalSignature")
        with open(f"{path}.ext", "w", encoding="ascii") as out:
            out.write(LEAF.format(ca="TRUE" if ca else "FALSE", usage=usage,
                                  more=more))
        openssl("ca", "-batch", "-notext", "-config", f"{self.dir}/conf",
                "-in", f"{path}.csr", "-out", f"{path}.pem",
                "-extfile", f"{path}.ext", "-extensions", "leaf",
                "-startdate", at(begin), "-enddate", at(end))

    def revoke(self, certificate):
        """A Certificate of its, or the last one that issue_for() gave."""
        path = certificate.path if certificate else \
            f"{self.dir}/leaf{self.count}.pem"
        openssl("ca", "-config", f"{self.dir}/conf", "-revoke", path)

    def list(self, begin=-1, end=7):
        """A revocation list, valid from begin to end, in days."""
        path = f"{self.dir}/list"
        openssl("ca", "-gencrl", "-config", f"{self.dir}/conf",
                "-crlexts", "list", "-crl_lastupdate", at(begin),
                "-crl_nextupdate", at(end), "-out", path)
        return read(path)


def credentials(name, own, authorities, lists=(), chain=(),
                revocation="strict"):
    """Credentials for the plugin; their tag is a digest of all the rest."""
    value = {
        "name": name,
        "revocation": revocation,
        "certificates": [own.pem] + [one.pem for one in chain],
        "private-key": own.key,
        "authorities": [one.pem for one in authorities],
        "revocation-lists": list(lists),
    }
    digest = json.dumps(value, sort_keys=True).encode()
    value["tag"] = hashlib.sha256(digest).hexdigest()
    return value
