"""The environments: what installs them, what they pin, and what the README says about it."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
LOCKS = ("requirements.lock", "development.lock", "multidms.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")
PLATFORMS = ("linux", "darwin")


def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Requirements of a lock file with their hashes."""
    text = re.sub(r"^\s*#.*\n", "", (ENVS / lock).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found = []
    for line in filter(str.strip, text.splitlines()):
        requirement, *hashes = re.split(r"\s+--hash=", line.strip())
        found.append((Requirement(requirement), [digest.strip() for digest in hashes]))
    return found


def pins(lock: str, python: str = "3.11.0", platform: str = "linux") -> dict[str, str]:
    """Versions that a lock file installs, by name, with one Python on one system."""
    at = {"python_full_version": python, "python_version": python.rpartition(".")[0], "sys_platform": platform}
    at |= {"platform_system": {"linux": "Linux", "darwin": "Darwin"}[platform], "implementation_name": "cpython"}
    at |= {"platform_python_implementation": "CPython", "os_name": "posix"}
    found: dict[str, str] = {}
    for requirement, _ in entries(lock):
        if requirement.marker is None or requirement.marker.evaluate(at):
            (pin,) = requirement.specifier
            assert pin.operator == "==", requirement
            name = canonicalize_name(requirement.name)
            assert found.setdefault(name, pin.version) == pin.version, f"{name} twice"
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_a_lock_has_hashes(lock):
    found = entries(lock)
    assert len(found) > 50
    for requirement, hashes in found:
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("lock", "required"),
    [
        ("requirements.lock", PROJECT["dependencies"]),
        ("development.lock", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["development"]),
    ],
)
def test_lock_holds_every_dependency_within_its_range(lock, required, python, platform):
    pinned = pins(lock, python, platform)
    for text in required:
        requirement = Requirement(text)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text}: {version}"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_locks_agree_where_they_overlap(python, platform):
    runtime, development = (pins(lock, python, platform) for lock in ("requirements.lock", "development.lock"))
    assert runtime.items() <= development.items()
    assert "pytest" in set(development) - set(runtime)


def test_conda_environment_installs_the_lock():
    environment = yaml.safe_load((ENVS / "proxsweep.yaml").read_text())
    assert set(environment) == {"name", "channels", "dependencies"}
    python, pip, installed = environment["dependencies"]
    assert (environment["name"], pip) == ("proxsweep", "pip")
    assert python == f"python {PROJECT['requires-python']}"
    wanted = {(canonicalize_name(r.name), str(r.specifier), str(r.marker)) for r, _ in entries("requirements.lock")}
    found = {(canonicalize_name(r.name), str(r.specifier), str(r.marker)) for r in map(Requirement, installed["pip"])}
    assert found == wanted
    assert len(installed["pip"]) == len(entries("requirements.lock"))


def test_conda_environment_is_the_one_that_the_script_writes():
    spec = importlib.util.spec_from_file_location("conda_from_lock", ENVS / "conda_from_lock.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = script.environment((ENVS / "requirements.lock").read_text())
    assert (ENVS / "proxsweep.yaml").read_text() == written


def test_environments_name_no_address():
    files = [path for path in ENVS.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {*LOCKS, "proxsweep.yaml"}
    for path in files:
        text = path.read_text()
        assert "://" not in text, path
        assert not re.search(r"--(extra-)?index-url [^-]|--find-links|--trusted-host", text), path


def test_package_runs_from_the_installed_script():
    module, _, function = PROJECT["scripts"]["proxsweep"].partition(":")
    assert hasattr(importlib.import_module(module), function)


def makefile() -> tuple[set[str], list[str]]:
    """Targets and commands of the Makefile, its BIN written out."""
    text = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)[1].split())
    commands = [line.strip() for line in text.splitlines() if line.startswith("\t")]
    return targets, [command.replace("$(BIN)", ".venv/bin").replace("--quiet ", "") for command in commands]


def blocks(language: str) -> list[list[str]]:
    """Lines of the README's code blocks in one language, comments aside."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = [[line.split(" #")[0].strip() for line in block.splitlines()] for block in found]
    return [[line for line in block if line and not line.startswith("#")] for block in lines]


def test_commands_of_the_readme_are_those_of_the_makefile():
    targets, commands = makefile()
    used = [line.split() for block in blocks("sh") for line in block]
    made = [words[1:] for words in used if words[0] == "make"]
    assert [] in made and ["test"] in made
    assert {target for words in made for target in words} <= targets
    installs = {" ".join(words) for words in used if "pip" in words}
    assert len(installs) == 3
    assert installs <= set(commands)
    for program, threads in ((".venv/bin/snakemake", "--cores"), (".venv/bin/pytest", "--numprocesses")):
        assert any(words[:2] == [program, threads] for words in used)
        assert any(command.startswith(f"{program} {threads} $(CORES)") for command in commands)


def test_files_that_the_readme_links_to_are_there():
    text = (ROOT / "README.md").read_text()
    linked = [path for path in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in path]
    named = re.findall(r"`((?:config|envs|docs)/[\w./-]+\.\w+)`", text)
    assert linked
    for path in {*linked, *named} - {"config/my_table.yaml"}:
        assert (ROOT / path).exists(), path
