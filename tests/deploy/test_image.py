"""deploy/image/build, as far as it goes without an image, and what deploy/image/tune refuses."""
import os
import shutil
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


UNITS = {
    "default.target": "[Unit]\nRequires=basic.target local-fs.target\nAfter=basic.target\nWants=voice-assistant.service cron.service\n",
    "basic.target": "[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n",
    "local-fs.target": "[Unit]\n",
    "sysinit.target": "[Unit]\n",
    "voice-assistant.service": "[Service]\nExecStart=/bin/true\n",
}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("when, works", [("DefaultDependencies=no\nBefore=local-fs.target", False), ("", True)])
def test_a_unit_that_would_wait_for_itself_is_found(tmp_path, when, works):
    """cron.service is one of later.txt; when the assistant waits for it, it cannot wait for the assistant."""
    units = tmp_path / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    (tmp_path / "etc/systemd").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    for name, text in {**UNITS, "cron.service": f"[Unit]\n{when}\n[Service]\nExecStart=/bin/true\n"}.items():
        (units / name).write_text(text)
    told = subprocess.run([os.path.join(SOURCE, "deploy/image/tune"), tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode == 0) == works, told.stderr
    assert ("ordering cycle" in told.stderr and "cron.service" in told.stderr) != works, told.stderr  # where it begins is systemd's choice
