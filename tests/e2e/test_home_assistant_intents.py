"""The sentences of Home Assistant's project: all its tests, each with the home it is for; and that no intent takes the others' sentences."""
import glob
import json
import os
import random

import pytest

yaml = pytest.importorskip("yaml")

LANGUAGE = "en"
ELSEWHERE = "Somewhere"  # the area the assistant stands in, where a test names none
SAMPLE = 200             # sentences of other intents


@pytest.fixture(scope="module")
def project(shared_data):
    folder = os.path.join(shared_data, "home-assistant-intents")
    if not os.path.isdir(folder):
        pytest.skip(f"{folder} is not there")
    return folder


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def test_files(project):
    return sorted(glob.glob(os.path.join(project, "tests", LANGUAGE, "*", "*.yaml")))


test_files.__test__ = False


def same(got, expected):
    """Whether a slot has the value, or one of them; numbers compare as numbers."""
    if isinstance(expected, list):
        return any(same(got, value) for value in expected)
    try:
        return abs(float(got) - float(expected)) < 1e-6
    except ValueError:
        return got == str(expected)


def fault(found, intent, combination, slots, area):
    """What is wrong with an answer, or None. The area and the domain that are not said are checked as the project itself does."""
    if found is None or found["intent"] != intent:
        return f"means {found}"
    got, expected = dict(found["slots"]), dict(slots)
    if combination.get("context_area") and got.pop("area", None) != area:
        return f"lacks the area: {found}"
    inferred = [domain for domains in combination.get("inferred_domains", {}).values() for domain in domains]
    if inferred:
        expected.pop("domain", None)
        if got.pop("domain", None) not in inferred:
            return f"lacks the domain: {found}"
    if got.keys() != expected.keys() or not all(same(got[name], expected[name]) for name in got):
        return f"has other slots than {slots}: {found}"
    return None


def test_every_sentence_means_what_the_project_says(run, project):
    intents = load(os.path.join(project, "intents.yaml"))
    faults, n = [], 0
    for path in test_files(project):
        content, intent = load(path), os.path.basename(os.path.dirname(path))
        combination = intents[intent]["slot_combinations"][os.path.basename(path)[:-len(".yaml")]]
        area = next((a["name"] for a in content.get("areas", []) if a.get("context_area")), ELSEWHERE)
        cases = [(sentence, test.get("slots", {})) for test in content["tests"] for sentence in test["sentences"]]
        answer = run("match", "--commands", project, "--commands", path, "--language", LANGUAGE, "--area", area, "--batch",
                     input="".join(sentence + "\n" for sentence, _ in cases))
        lines = answer.stdout.splitlines()
        assert len(lines) == len(cases), answer.stderr
        for (sentence, slots), line in zip(cases, lines):
            wrong = fault(json.loads(line), intent, combination, slots, area)
            n += 1
            if wrong:
                faults.append(f"{path}: {sentence!r} {wrong}")
    assert n > 1000
    assert not faults


def test_an_intent_takes_no_sentence_of_the_others(run, project, tmp_path):
    sentences = {}
    for path in test_files(project):
        intent = os.path.basename(os.path.dirname(path))
        sentences.setdefault(intent, []).extend(s for test in load(path)["tests"] for s in test["sentences"])
    for name in ("lists", "rules", "intents.yaml"):
        os.symlink(os.path.join(project, name), tmp_path / name)
    os.makedirs(tmp_path / "sentences" / LANGUAGE)
    chance, taken = random.Random(1), []
    for intent in ("HassStartTimer", "HassLightSet", "HassClimateSetTemperature", "HassTurnOff", "HassGetWeather", "HassSetVolume"):
        link = tmp_path / "sentences" / LANGUAGE / intent
        os.symlink(os.path.join(project, "sentences", LANGUAGE, intent), link)
        homes = [path for path in test_files(project) if os.path.basename(os.path.dirname(path)) == intent]
        others = [s for name, texts in sentences.items() if name != intent for s in texts]
        sample = chance.sample(others, SAMPLE)
        sources = ["--commands", tmp_path] + [part for path in homes[:12] for part in ("--commands", path)]
        lines = run("match", *sources, "--batch", input="".join(s + "\n" for s in sample)).stdout.splitlines()
        assert len(lines) == SAMPLE
        taken += [(intent, s) for s, line in zip(sample, lines) if line != "null"]
        os.unlink(link)
    assert not taken


def test_all_of_it_is_right(run, project):
    answer = run("commands", "check", "--commands", project)
    assert (answer.returncode, answer.stderr) == (0, "")
    # Responses that need a template language are told of when asked.
    assert "needs a template language" in run("commands", "check", "--verbose", "--commands", project).stderr


def test_an_own_file_completes_an_intent(run, project, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("language: en\nvoice: slow\ndefault_action: {type: say}\n"
                   "commands:\n  HassGetCurrentTime: {response: Late., confirm: true, action: {type: time}}\n")
    sources = ["--commands", project, "--commands", own]
    found = json.loads(run("match", *sources, "what time is it").stdout)
    assert (found["intent"], found["response"]) == ("HassGetCurrentTime", "Late.")
    listed = {command["name"]: command for command in json.loads(run("commands", "list", "--json", *sources).stdout)}
    assert listed["HassGetCurrentTime"]["confirm"] and listed["HassGetCurrentTime"]["action"] == "time"
    assert listed["HassTurnOn"]["action"] == "say" and not listed["HassTurnOn"]["confirm"]
