"""The command line as a whole."""
import os
import re
import subprocess

import pytest


def commands(run):
    return re.findall(r"^  ([a-z-]+) +\S", run("--help").stdout.split("Commands:")[1], re.M)


def test_help_goes_to_stdout_and_succeeds(run):
    answer = run("--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith("Usage: voice-assistant")
    assert answer.stderr == ""


def test_without_arguments_help_goes_to_stderr(run):
    answer = run()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "Usage: voice-assistant" in answer.stderr


def test_version(run):
    answer = run("--version")
    assert answer.returncode == 0
    assert re.fullmatch(r"voice-assistant \d+\.\d+\.\d+\n", answer.stdout)


def test_an_unknown_command_is_named(run):
    answer = run("dance")
    assert answer.returncode == 2
    assert "'dance'" in answer.stderr


def test_every_command_explains_itself(run):
    names = commands(run)
    assert names
    for name in names:
        answer = run(name, "--help")
        assert answer.returncode == 0, name
        assert f"voice-assistant {name}" in answer.stdout, name


def test_every_command_refuses_an_unknown_option(run):
    for name in commands(run):
        answer = run(name, "--no-such-option")
        assert answer.returncode == 2, name
        assert answer.stdout == "" and answer.stderr, name


# What is wrong, and what the message is to name.
@pytest.mark.parametrize("line, named", [
    ("config check FILE", "'FILE' makes no sense behind check"), ("config", "say check, show or sample"), ("config sing", "no 'sing'"),
    ("commands check x", "'x'"), ("commands sing", "no 'sing'"), ("home sing", "no 'sing': say fetch"), ("home fetch x", "'x'"),
    ("privacy on off", "'off' makes no sense behind on"), ("privacy sing", "no 'sing'"), ("pair x", "'x'"), ("demo a b", "'b'"), ("demo", "FOLDER"),
    ("token sing", "no 'sing'"), ("token add", "add needs NAME"), ("token add a b", "'b'"), ("token list x", "'x'"), ("token --expires 0 add a", "'0'"),
    ("tls sing", "no 'sing'"), ("tls renew x", "'x'"), ("tls client", "client needs NAME"), ("tls client a/b", "'a/b'"), ("tls --scopes x ca", "'x'"),
    ("history sing", "no 'sing'"), ("history list x", "'x'"), ("history search", "TEXT"), ("history delete", "an ID"), ("history delete x", "'x'"),
    ("history list --all", "--all"), ("history delete --all 3", "'3'"), ("power sing", "no 'sing'"), ("power sleep", "SECONDS"), ("power apply x", "'x'"),
    ("model sing", "'sing'"), ("model fetch", "'NAME'"), ("model fetch a b", "'b'"), ("model list --from x", "'from'"),
    ("model import --from x --precision y", "'y'"), ("say a b", "'b'"), ("match a b", "'b'"), ("eval a b", "'b'"), ("eval", "MANIFEST"),
])
def test_a_wrong_argument_is_named(run, line, named):
    answer = run(*line.split())
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"voice-assistant {line.split()[0]}") or line == "model sing"
    assert named in answer.stderr and len(answer.stderr.splitlines()) <= 2


@pytest.mark.parametrize("command", ["audit", "battery", "bench", "config show", "doctor", "health", "history list", "listen", "pair", "power",
                                     "privacy status", "say x", "serve", "tls show", "token list", "worker"])
def test_a_wrong_set_is_a_wrong_command_line(run, command):
    answer = run(*command.split(), "--set", "model.beam=x")
    assert answer.returncode == 2 and "'model.beam'" in answer.stderr


@pytest.mark.parametrize("line", ["--help", "--version", "token --help", "token add a", "token list --json", "tls ca", "tls show", "power",
                                  "commands list --commands {commands}", "model list", "config sample"])
def test_what_cannot_be_written_is_no_success(run, program, source, tmp_path, line):
    data = ["--set", f"data.folder={tmp_path}"] if line.split()[0] in ("token", "tls") and "--help" not in line else []
    assert run("tls", "renew", "--set", f"data.folder={tmp_path}").returncode == 0
    words = line.format(commands=os.path.join(source, "deploy", "commands")).split()
    with open("/dev/full", "w") as full:
        answer = subprocess.run([program, *words, *data], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert answer.returncode == 1 and "write" in answer.stderr


@pytest.mark.parametrize("command", ["audit", "battery", "config", "doctor", "health", "listen", "power", "privacy", "say", "serve", "worker"])
def test_too_many_set_are_told(run, command):
    answer = run(command, *["--set=log.level=info"] * 257)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"voice-assistant {command}: more than 256 times --set\n")


def test_a_language_that_is_none_is_a_mistake(run):
    for language in ("auto", "de", "English", ""):
        assert run("config", "check", "--set", f"model.language={language}").returncode == 0, language
    answer = run("config", "check", "--set", "model.language=klingon")
    assert answer.returncode == 2 and "model.language" in answer.stderr and answer.stdout == ""


def test_the_beginning_of_two_options_is_neither(run):
    answer = run("audit", "--o", "x")
    assert answer.returncode == 2
    assert "ambiguous" in answer.stderr
    assert run("audit", "--l").stdout == run("audit", "--list").stdout
