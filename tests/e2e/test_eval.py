"""eval: recordings and what was said in them, to how well commands are understood."""
import csv
import json
import os

import pytest


@pytest.fixture(scope="module")
def cards(recordings, tmp_path_factory):
    """A manifest of spoken playing cards, and of a reading that is no command."""
    path = tmp_path_factory.mktemp("cards") / "manifest.tsv"
    rows = [("cards/001.wav", "card", {"rank": "ten", "suit": "clubs"}), ("cards/003.wav", "card", {"rank": "seven"}),
            ("cards/005.wav", "three_cards", {}), ("librivox/sense_and_sensibility_01_austen_64kb-0870.wav", "", {})]
    path.write_text("path\tspeaker\tintent\tslots_json\n"
                    + "".join(f"{recordings}/{name}\tx\t{intent}\t{json.dumps(slots)}\n" for name, intent, slots in rows))
    return str(path)


def test_help(run):
    answer = run("eval", "--help")
    assert answer.returncode == 0 and "MANIFEST" in answer.stdout


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--nope", "a"], ["--threshold", "2", "a"], ["--threads", "0", "a"]])
def test_wrong_command_lines(run, arguments):
    assert run("eval", *arguments).returncode == 2


@pytest.mark.parametrize("form", ["--config={}", "--config {}", "--conf={}"])
def test_a_configuration_however_it_is_named(run, tmp_path, form):
    path = tmp_path / "config.yaml"
    path.write_text("model:\n  name: no-such-model\n")
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text("path\tintent\n")
    answer = run("eval", *form.format(path).split(" "), manifest)
    assert answer.returncode == 1 and "no-such-model" in answer.stderr


def test_cards(run, model, source, cards):
    answer = run("eval", "--commands", f"{source}/deploy/demo/commands", "--model", model, "--json", "--details", cards)
    assert answer.returncode == 0, answer.stderr
    *details, summary = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(details) == 4
    assert (summary["commands"], summary["right"], summary["others"], summary["false_accepts"]) == (3, 3, 1, 0)
    assert summary["acceptance"] == 1.0 and summary["confusion"] == {}
    assert "clubs" not in summary["prompt"] or "spades" in summary["prompt"]
    curve = summary["operating_curve"]
    assert all(a["accepted"] >= b["accepted"] for a, b in zip(curve, curve[1:]))
    assert details[0]["slots"] == {"rank": "ten", "suit": "clubs"} and details[0]["confidence"] > 0.5
    assert details[3]["confidence"] < 0.5


def test_as_text(run, model, source, cards):
    answer = run("eval", "--commands", f"{source}/deploy/demo/commands", "--model", model, cards)
    assert answer.returncode == 0
    assert "3, right 3 (100.0 %)" in answer.stdout and "accepted falsely 0" in answer.stdout


def test_a_threshold_nobody_reaches(run, model, source, cards):
    answer = run("eval", "--commands", f"{source}/deploy/demo/commands", "--model", model, "--threshold", "1", "--json", cards)
    summary = json.loads(answer.stdout)
    assert summary["right"] == 0 and summary["rejected"] == 3
    assert summary["confusion"]["card -> none"] == 2


def test_free_text_and_no_prompt(run, model, source, cards):
    common = ["--commands", f"{source}/deploy/demo/commands", "--model", model, "--json", "--details"]
    answer = run("eval", *common, "--unsteered", cards)
    assert answer.returncode == 0
    assert all(detail["command_text"] is None for detail in map(json.loads, answer.stdout.splitlines()[:-1]))
    summary = json.loads(run("eval", *common, "--prompt", "", cards).stdout.splitlines()[-1])
    assert summary["prompt"] == "" and summary["commands"] == 3 and summary["false_accepts"] == 0


def test_files_that_are_wrong(run, model, source, recordings, tmp_path):
    common = ["--commands", f"{source}/deploy/demo/commands", "--model", model]
    answer = run("eval", *common, tmp_path / "nowhere.tsv")
    assert answer.returncode == 1 and "nowhere.tsv" in answer.stderr
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text("file\tintent\nx\ty\n")
    answer = run("eval", *common, manifest)
    assert answer.returncode == 1 and "'path' and 'intent'" in answer.stderr
    (tmp_path / "damaged.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt ")
    manifest.write_text(f"path\tintent\tslots_json\nnowhere.wav\tcard\t{{}}\ndamaged.wav\tcard\t{{}}\n{recordings}/cards/001.wav\tcard\t[]\n"
                        f"{recordings}/cards/001.wav\tcard\t\n")
    answer = run("eval", *common, "--json", manifest)
    assert answer.returncode == 1
    assert "nowhere.wav" in answer.stderr and "damaged.wav" in answer.stderr and "slots_json" in answer.stderr
    assert json.loads(answer.stdout)["right"] == 1


def test_coffee(run, model, source, shared_data, tmp_path):
    with open(os.path.join(shared_data, "picovoice", "manifest.tsv"), newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))[::15]
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text("path\tintent\tslots_json\n"
                        + "".join(f"{shared_data}/picovoice/{r['path']}\t{r['intent']}\t{r['slots_json']}\n" for r in rows))
    common = ["--commands", f"{source}/bench/grammars/coffee.yaml", "--model", model, "--json", manifest]
    steered, free = json.loads(run("eval", *common).stdout), json.loads(run("eval", "--unsteered", *common).stdout)
    assert steered["right"] >= len(rows) - 1
    assert free["right"] <= steered["right"]
