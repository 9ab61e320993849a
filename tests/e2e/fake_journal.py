"""Runs a program with a socket of its own in the place of systemd's journal, in a mount namespace with another /run:

    unshare -m python3 fake_journal.py journal|other|unread PROGRAM ARGUMENT...

journal: JOURNAL_STREAM says that the program's stderr is the journal. other: that the journal is something else. unread: as journal, which
reads nothing for a while. When the program says where it listens, it gets a command (unread: COMMANDS); then it is stopped. Prints {"entries":
what the journal got, "stderr"} as JSON."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request


COMMANDS = 1500  # more lines than a socket keeps


def parse(data):
    """One datagram of the native protocol: NAME=value, or for a value of several lines NAME, its length and the value."""
    entry = {}
    while data:
        line, data = data.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:
            size, = struct.unpack("<Q", data[:8])
            value, data = data[8:8 + size], data[9 + size:]
        entry[name.decode()] = value.decode()
    return entry


def received(journal):
    entries = []
    journal.setblocking(False)
    try:
        while True:
            entries.append(parse(journal.recv(1 << 20)))
    except BlockingIOError:
        return entries


def main(stream, *command):
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    os.makedirs("/run/systemd/journal")
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind("/run/systemd/journal/socket")
    with tempfile.TemporaryFile("w+") as stderr:
        info = os.fstat(stderr.fileno())
        name = f"{info.st_dev}:1" if stream == "other" else f"{info.st_dev}:{info.st_ino}"
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, "JOURNAL_STREAM": name}) as program:
            url = re.search(r"http://\S+", program.stdout.readline())[0]
            for _ in range(COMMANDS if stream == "unread" else 1):
                urllib.request.urlopen(urllib.request.Request(url + "/command/execute", data=b'{"text":"what time is it"}'), timeout=30).close()
            entries = received(journal)
            program.send_signal(signal.SIGTERM)
        stderr.seek(0)
        print(json.dumps({"entries": entries, "stderr": stderr.read(), "code": program.returncode}))


if __name__ == "__main__":
    main(*sys.argv[1:])
