"""match and commands: texts to commands, and the mistakes of command files."""
import json

import pytest


@pytest.fixture()
def shipped(source):
    return f"{source}/deploy/commands"


def match(run, *arguments, **more):
    answer = run("match", *arguments, **more)
    return answer.returncode, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def test_a_text_is_matched(run, shipped):
    code, found, _ = match(run, "--commands", shipped, "Set the temperature to twenty-two degrees.")
    assert code == 0
    assert found == [{"intent": "set_temperature", "slots": {"value": "22"}, "score": 1.0, "response": "The temperature is set to {value} degrees."}]


def test_nothing_fits(run, shipped):
    code, found, message = match(run, "--commands", shipped, "the quick brown fox")
    assert (code, found) == (1, [])
    assert "no command fits" in message


def test_another_language(run, shipped):
    assert match(run, "--commands", shipped, "--language", "en", "mute")[0] == 0
    assert match(run, "--commands", shipped, "--language", "de", "mute")[0] == 1


def test_batch_answers_line_by_line(run, shipped):
    code, found, _ = match(run, "--commands", shipped, "--batch", input="What time is it?\nhello there\n\nmute\n")
    assert code == 1
    assert [f and f["intent"] for f in found] == ["get_time", None, None, "mute"]


def test_execute(run, shipped):
    code, found, _ = match(run, "--commands", shipped, "--execute", "make it 21")
    assert code == 0 and found[0]["success"] is True
    assert found[0]["response"] == "The temperature is set to 21 degrees."
    code, found, _ = match(run, "--commands", shipped, "--execute", "make it 99")
    assert code == 1 and found[0]["success"] is False
    assert "from 5 to 35" in found[0]["error"] and found[0]["response"] == f"That did not work: {found[0]['error']}."


@pytest.mark.parametrize("arguments", [["match"], ["match", "a", "b"], ["match", "--nope", "a"], ["commands"], ["commands", "dance"]])
def test_wrong_command_lines(run, arguments):
    answer = run(*arguments)
    assert answer.returncode == 2
    assert answer.stdout == "" and answer.stderr != ""


def test_a_missing_folder(run, tmp_path):
    for arguments in (["match", "x"], ["commands", "check"]):
        answer = run(*arguments, "--commands", tmp_path / "none")
        assert answer.returncode == 1
        assert "none" in answer.stderr


def test_the_shipped_sets_are_right(run, source):
    for folder in ("deploy/commands", "deploy/demo/commands"):
        answer = run("commands", "check", "--commands", f"{source}/{folder}")
        assert (answer.returncode, answer.stderr) == (0, "")
    assert "set_timer" in run("commands", "list", "--commands", f"{source}/deploy/commands").stdout


def test_every_mistake_is_told_with_its_line(run, tmp_path):
    (tmp_path / "a.yaml").write_text("language: en\ncommands:\n  one: {sentences: ['turn (on']}\n  two: {sentences: ['{room}']}\n")
    (tmp_path / "b.yaml").write_text("language: en\nrules:\n  r: 'x <r>'\n")
    answer = run("commands", "check", "--commands", tmp_path)
    assert answer.returncode == 1
    lines = answer.stderr.splitlines()
    assert [line.split(": ")[0].rsplit("/", 1)[1] for line in lines[:-1]] == ["a.yaml:3", "a.yaml:4", "b.yaml:3"]
    assert lines[-1] == "3 mistakes"


def test_a_wrong_action_is_a_mistake(run, tmp_path):
    (tmp_path / "a.yaml").write_text("language: en\ncommands:\n  one:\n    sentences: [go]\n    action: {type: process, executable: no-such-thing}\n")
    answer = run("commands", "check", "--commands", tmp_path)
    assert answer.returncode == 1
    assert "a.yaml:3: command 'one': there is no executable 'no-such-thing'" in answer.stderr
