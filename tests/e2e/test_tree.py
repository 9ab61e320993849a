"""The scripts that hold the tree in order find the faults they are for; start and check explain themselves."""
import os
import shutil
import subprocess

import pytest

CLEAN = '/* f.c - a file. */\n#include "base/f.h"\n\nint f(void)\n{\n    return 0;\n}\n'
HEADER = "/* f.h */\n#ifndef VA_BASE_F_H\n#define VA_BASE_F_H\nint f(void);\n#endif\n"


@pytest.fixture
def tree(source, tmp_path):
    """A small tree with the scripts in it; tree(path, text) writes a file, tree.run(script) runs one."""
    shutil.copytree(os.path.join(source, "scripts"), tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))

    class Tree:
        def __call__(self, path, text):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

        def run(self, script):
            return subprocess.run([tmp_path / "scripts" / script], capture_output=True, text=True, check=False)

    made = Tree()
    made("src/base/f.c", CLEAN)
    made("src/base/f.h", HEADER)
    return made


@pytest.mark.parametrize("script", ["check-style", "check-layers"])
def test_a_clean_tree_passes(tree, script):
    answer = tree.run(script)
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.parametrize("text, fault", [
    (CLEAN.replace("    return", "\treturn"), "tab"),
    (CLEAN.replace("return 0;", "return 0; "), "blanks at the end"),
    (CLEAN[:-1], "no newline"),
    (CLEAN.replace("return 0", "return atoi(x)"), "atoi is banned"),
    (CLEAN.replace("return 0", "free(x)"), "free is banned"),
    (CLEAN.replace("return 0;", "return 0;" + "\n    g();" * 75), "function of"),
    (CLEAN + "int x;\n" * 500, "lines, at most 500"),
])
def test_style_faults_are_found(tree, text, fault):
    tree("src/base/f.c", text)
    answer = tree.run("check-style")
    assert answer.returncode == 1
    assert fault in answer.stdout and "src/base/f.c" in answer.stdout


def test_banned_names_in_comments_and_strings_are_fine(tree):
    tree("src/base/f.c", CLEAN.replace("return 0;", 'return g("free(x)"); /* not strcpy(a, b) */'))
    assert tree.run("check-style").returncode == 0


def test_a_header_without_guard_is_found(tree):
    tree("src/base/f.h", "int f(void);\n")
    assert "no header guard VA_BASE_F_H" in tree.run("check-style").stdout


@pytest.mark.parametrize("path, include, fault", [
    ("src/base/f.c", '"kernels/kernels.h"', "base may not include kernels"),
    ("src/intent/f.c", '"whisper/model.h"', "intent may not include whisper"),
    ("src/catalog/f.c", '"config/config.h"', "catalog may not include config"),
    ("src/daemon/f.c", "<nghttp2/nghttp2.h>", "only server may include"),
    ("src/other/f.c", '"base/f.h"', "not in scripts/layers"),
])
def test_layer_faults_are_found(tree, path, include, fault):
    tree(path, f"#include {include}\n")
    answer = tree.run("check-layers")
    assert answer.returncode == 1
    assert fault in answer.stdout


@pytest.mark.parametrize("script", ["start", "check"])
def test_scripts_explain_themselves_and_refuse_unknown_arguments(source, script):
    help_text = subprocess.run([os.path.join(source, script), "--help"], capture_output=True, text=True, check=False)
    assert help_text.returncode == 0 and help_text.stdout.startswith(f"Usage: ./{script}")
    wrong = subprocess.run([os.path.join(source, script), "--wrong"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "What to do:" in wrong.stderr
