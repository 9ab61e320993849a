"""deploy/image/build, as far as it goes without an image: what it refuses."""
import os
import subprocess

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build(folder, *arguments):
    for name in ("base", "vad", "wake-okay_nabu"):
        (folder / f"{name}.vam").touch()
    return subprocess.run([os.path.join(SOURCE, "deploy/image/build"), "--models", folder, "--out", folder / "out", *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="an image can only be made by root")
def test_a_key_that_is_not_public_is_refused(tmp_path):
    secret = tmp_path / "id"
    secret.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n")
    for key in (secret, tmp_path / "none", "/etc/passwd"):
        told = build(tmp_path, "--ssh-key", key)
        assert told.returncode == 1 and "no public key" in told.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [("--arch", "mips"), ("--arch",), ("--loud",), ("more",)])
def test_a_wrong_command_line_makes_nothing(tmp_path, arguments):
    told = build(tmp_path, *arguments)
    assert told.returncode == 1 and "Error: " in told.stderr and not (tmp_path / "out").exists()
