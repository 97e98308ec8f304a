"""Build of the compiled core; everything else is in pyproject.toml.

`_core` is installed as `tariff._core` and `rules` as `tariff.rules`. The Cython modules share code
by textual `include` of `.pxi` files, never by `cimport` of one another, so no staging of `.pxd`
files is needed. `TARIFF_DEBUG=1` builds with bounds checks.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel

DEBUG = os.environ.get("TARIFF_DEBUG") == "1"
LIMITED_API = "0x030B0000"
FLAGS = ["-O3", "-fno-strict-aliasing", "-g" if DEBUG else "-g0"]  # g0: a third of the size

HERE = Path(__file__).parent
MODULES = sorted(path.stem for path in (HERE / "_core").glob("*.pyx"))


class AbiWheel(bdist_wheel):
    """One wheel a platform: the core uses the limited API of Python 3.11."""

    def finalize_options(self) -> None:
        """Tag the wheel `cp311-abi3`."""
        self.py_limited_api = "cp311"
        super().finalize_options()


extensions = [
    Extension(
        f"tariff._core.{name}",
        [f"_core/{name}.pyx"],
        depends=[path.relative_to(HERE).as_posix() for path in (HERE / "_core").glob("*.pxi")],
        define_macros=[("Py_LIMITED_API", LIMITED_API), ("CYTHON_LIMITED_API", "1")],
        py_limited_api=True,
        extra_compile_args=[] if os.name == "nt" else FLAGS,
    )
    for name in MODULES
]

DATA = ("yaml", "csv", "json", "md")

setup(
    packages=[*find_packages(include=["tariff", "tariff.*"]), "tariff._core", "tariff.rules"],
    package_dir={"tariff._core": "_core", "tariff.rules": "rules"},
    # Exactly what is listed here goes into the wheel. With include_package_data setuptools would
    # take whatever MANIFEST.in names, Cython sources too, and warn of each folder of packs.
    include_package_data=False,
    package_data={
        "tariff": ["py.typed", "report/templates/**/*", "simulate/data/**/*"],
        "tariff._core": ["*.pyi"],
        "tariff.rules": [f"**/*.{ending}" for ending in DATA],
    },
    ext_modules=cythonize(
        extensions,
        build_dir="build/cython",
        compiler_directives={
            "language_level": "3",
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "freethreading_compatible": False,
        },
    ),
    cmdclass={"bdist_wheel": AbiWheel},
)
