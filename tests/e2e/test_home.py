"""The command line of `home`, where no Home Assistant is needed."""
import os

import pytest


@pytest.mark.parametrize("arguments", [["home"], ["home", "dance"], ["home", "fetch", "x"], ["home", "--nope", "fetch"]])
def test_wrong_command_lines(run, arguments):
    answer = run(*arguments)
    assert answer.returncode == 2 and answer.stdout == "" and "home" in answer.stderr


def test_what_is_missing_is_said(run, tmp_path):
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    assert "--url" in run("home", "fetch", env=environment).stderr
    answer = run("home", "fetch", "--url", "http://127.0.0.1:1", env=environment)
    assert answer.returncode == 1 and "--token-file" in answer.stderr
    token = tmp_path / "token"
    token.write_text("x")
    os.chmod(token, 0o644)
    assert "make its mode 0600" in run("home", "fetch", "--url", "http://127.0.0.1:1", "--token-file", token).stderr
    os.chmod(token, 0o600)
    answer = run("home", "fetch", "--url", "http://127.0.0.1:1", "--token-file", token, "--output", tmp_path / "home.yaml")
    assert answer.returncode == 1 and "127.0.0.1" in answer.stderr and not (tmp_path / "home.yaml").exists()
    assert "must begin with http" in run("home", "fetch", "--url", "ftp://x", "--token-file", token).stderr
