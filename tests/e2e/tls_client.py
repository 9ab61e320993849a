"""What the tests over TLS share: tokens, client certificates, HTTP/2 frames sent as one likes."""
import os
import socket
import ssl
import subprocess

TIMEOUT_S = 30


def add_token(program, folder, name, scopes):
    answer = subprocess.run([program, "token", "add", "--set", f"data.folder={folder}", "--scopes", scopes, name],
                            capture_output=True, text=True, timeout=60, check=True)
    return next(word for word in answer.stdout.split() if word.startswith("va_"))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def connect(server, protocol, certificate=None):
    """A TLS connection to server that offers protocol ("h2", "http/1.1" or None)."""
    context = ssl.create_default_context(cafile=server.ca)
    if protocol:
        context.set_alpn_protocols([protocol])
    if certificate:
        context.load_cert_chain(certificate)
    return context.wrap_socket(socket.create_connection(("localhost", server.tls_port), timeout=TIMEOUT_S), server_hostname="localhost")


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], capture_output=True, timeout=60, check=True)


def make_certificate(folder, name, days=30):
    """A certificate of one's own for localhost, signed by itself -> paths of certificate and key."""
    certificate, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj", f"/CN={name}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate)
    return certificate, key
