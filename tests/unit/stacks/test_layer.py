import shutil
from pathlib import Path

import pytest

from stacks import layer
from stacks.errors import ApplicationError
from stacks.layer import built_layer
from tests.snapshot.synthesis import Assembly, resource


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_it_holds_warmcache_beside_its_requirements(architecture: str) -> None:
    with built_layer(python_version="3.14", architecture=architecture) as folder:
        assert [path.name for path in folder.iterdir()] == ["python"]
        assert (folder / "python" / "warmcache" / "hooks.py").exists()
        assert (folder / "python" / "cachetools" / "__init__.py").exists()
        assert (folder / "python" / "facts" / "sources.py").exists()
        assert not list(folder.rglob("pyproject.toml"))
    assert not folder.exists()


def test_the_same_inputs_give_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = tmp_path / "layer"
    shutil.copytree(layer.LAYER, copied, ignore=shutil.ignore_patterns("__pycache__"))
    with built_layer(python_version="3.14", architecture="arm64") as folder:
        expected = _files(folder)
    (copied / "python" / "warmcache" / "__pycache__").mkdir()
    (copied / "python" / "warmcache" / "__pycache__" / "hooks.cpython-311.pyc").write_bytes(b"compiled")
    (copied / "python" / "warmcache" / "hooks.py").touch()
    monkeypatch.setattr(layer, "LAYER", copied)
    with built_layer(python_version="3.14", architecture="arm64") as folder:
        assert _files(folder) == expected


def test_requirements_that_cannot_be_installed_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "requirements.txt").write_text("cachetools==8.0.0\n")
    monkeypatch.setattr(layer, "LAYER", tmp_path)
    with (
        pytest.raises(ApplicationError) as error,
        built_layer(python_version="3.14", architecture="arm64"),
    ):
        pass
    assert "python3.14 on arm64" in str(error.value)
    assert "hash" in str(error.value)
    assert "\n" not in str(error.value)


def test_without_uv_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with (
        pytest.raises(ApplicationError, match="make setup"),
        built_layer(python_version="3.14", architecture="arm64"),
    ):
        pass


def test_all_stacks_share_one_asset_and_no_layer_version(assembly: Assembly) -> None:
    templates = [template for template in assembly.templates.values() if "LayerVersion" in str(template)]
    layers = [resource(template, "AWS::Lambda::LayerVersion") for template in templates]
    assert len(layers) > 1
    (key,) = {found["Content"]["S3Key"] for found in layers}
    staged = assembly.folder / f"asset.{key.removesuffix('.zip')}"
    assert [path.name for path in staged.iterdir()] == ["python"]
