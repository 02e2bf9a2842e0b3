#!/usr/bin/env python3
"""Makes the keys and tokens beside this file with OpenSSL (the package `cryptography`), so that the tests do
not only check what the same library has signed. The private keys are thrown away."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HERE = Path(__file__).parent
SECRET = b"only-for-tests-only-for-tests-only-for-tests"
CLAIMS = {
    "iss": "https://issuer.example",
    "aud": ["other", "frontier"],
    "sub": "sensor",
    "nbf": 1_000_000_000,
    "exp": 2_000_000_000,
    "edge": "7",
    "tenant": "acme",
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def token(algorithm, sign, kid=None):
    header = {"typ": "JWT", "alg": algorithm} | ({"kid": kid} if kid else {})
    message = ".".join(b64(json.dumps(part).encode()) for part in (header, CLAIMS))
    return f"{message}.{b64(sign(message.encode()))}"


def hs256(message):
    mac = hmac.HMAC(SECRET, hashes.SHA256())
    mac.update(message)
    return mac.finalize()


def es256(key):
    def sign(message):
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def public(key):
    pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(*pem).decode()


rsa_key = rsa.generate_private_key(65537, 2048)
small_key = rsa.generate_private_key(65537, 1024)
p256_key = ec.generate_private_key(ec.SECP256R1())
p384_key = ec.generate_private_key(ec.SECP384R1())
ed_key = ed25519.Ed25519PrivateKey.generate()
rs256 = lambda message: rsa_key.sign(message, padding.PKCS1v15(), hashes.SHA256())

for name, key in [("rsa", rsa_key), ("rsa-1024", small_key), ("p256", p256_key), ("p384", p384_key), ("ed25519", ed_key)]:
    (HERE / f"{name}.pem").write_text(public(key))

for name, algorithm, sign in [
    ("hs256", "HS256", hs256),
    ("rs256", "RS256", rs256),
    ("es256", "ES256", es256(p256_key)),
    ("eddsa", "EdDSA", ed_key.sign),
]:
    (HERE / f"{name}.jwt").write_text(token(algorithm, sign) + "\n")
    (HERE / f"{name}-kid.jwt").write_text(token(algorithm, sign, kid=name) + "\n")

# What an attacker makes who has only the public key.
def confused(message):
    mac = hmac.HMAC(public(rsa_key).encode(), hashes.SHA256())
    mac.update(message)
    return mac.finalize()

(HERE / "confused.jwt").write_text(token("HS256", confused) + "\n")
(HERE / "none.jwt").write_text(token("none", lambda _: b"") + "\n")

n = rsa_key.public_key().public_numbers()
p = p256_key.public_key().public_numbers()
big = p384_key.public_key().public_numbers()
ed = ed_key.public_key().public_bytes_raw()
jwks = {
    "keys": [
        {"kty": "RSA", "kid": "rs256", "use": "sig", "alg": "RS256", "n": number(n.n), "e": number(n.e)},
        {"kty": "EC", "kid": "es256", "crv": "P-256", "x": number(p.x, 32), "y": number(p.y, 32)},
        {"kty": "OKP", "kid": "eddsa", "use": "sig", "crv": "Ed25519", "x": b64(ed)},
        {"kty": "oct", "kid": "hs256", "alg": "HS256", "k": b64(SECRET)},
        {"kty": "EC", "kid": "big", "crv": "P-384", "x": number(big.x, 48), "y": number(big.y, 48)},
        {"kty": "RSA", "kid": "enc", "use": "enc", "n": number(n.n), "e": number(n.e)},
        {"kty": "unheard-of", "kid": "new", "zz": 1},
    ]
}
(HERE / "jwks.json").write_text(json.dumps(jwks, indent=2) + "\n")
