import ast
import re
from pathlib import Path

from functions import registry
from functions.registry import BASELINE, VARIANTS

FUNCTIONS = Path(registry.__file__).parent


def test_folders_and_registry_agree() -> None:
    folders = {path.parent.name for path in FUNCTIONS.glob("*/handler.py")}
    assert folders == {variant.name for variant in VARIANTS}
    assert len(VARIANTS) == len(folders)


def test_every_folder_is_a_variant() -> None:
    folders = {path.name for path in FUNCTIONS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {variant.name for variant in VARIANTS}


def test_the_baseline_comes_first_and_reads_every_time() -> None:
    assert VARIANTS[0].name == BASELINE == "no_cache"


def test_a_name_makes_a_function_name_and_a_stack_name() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{1,30}", variant.name) for variant in VARIANTS)
    assert len({variant.name.replace("_", "-") for variant in VARIANTS}) == len(VARIANTS)


def test_colors_are_six_digits_and_differ() -> None:
    assert all(re.fullmatch(r"#[0-9A-F]{6}", variant.color) for variant in VARIANTS)
    assert len({variant.color for variant in VARIANTS}) == len(VARIANTS)


def test_texts_are_one_line_each() -> None:
    for variant in VARIANTS:
        assert variant.summary.endswith(".")
        for text in (variant.title, variant.summary, variant.staleness, variant.choose_when):
            assert text
            assert "\n" not in text


def test_the_registry_is_pure_data() -> None:
    assert imported(Path(registry.__file__).read_text(encoding="utf-8")) == {"facts.bounds", "typing"}


def test_a_handler_is_a_few_lines_and_knows_the_layer_only() -> None:
    others = {"functions", "stacks", "lab", *(variant.name for variant in VARIANTS)}
    for variant in VARIANTS:
        source = (FUNCTIONS / variant.name / "handler.py").read_text(encoding="utf-8")
        assert len(source.splitlines()) <= 30, variant.name
        assert not {module.split(".")[0] for module in imported(source)} & others, variant.name


def imported(source: str) -> set[str]:
    """The modules that a program imports."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
    return modules
