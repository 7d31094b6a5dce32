import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir


class WeirConan(ConanFile):
    name = "weir"
    description = "Stream feature computation: event-time windows and sessions inside your own process"
    license = "Apache-2.0"
    topics = ("streaming", "feature-engineering", "windows", "sessions", "watermarks")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]
    exports = "include/weir/version.hpp"
    exports_sources = "CMakeLists.txt", "LICENSE", "include/*", "src/*"

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "include", "weir", "version.hpp"))
        self.version = ".".join(re.search(rf"WEIR_VERSION_{part} (\d+)", header).group(1)
                                for part in ("MAJOR", "MINOR", "PATCH"))

    def requirements(self):
        # Abseil's binary interface depends on the C++ standard: build it with the same compiler.cppstd as weir.
        self.requires("abseil/[>=20220623]", transitive_headers=True, transitive_libs=True)
        self.requires("xxhash/[>=0.8.1 <1]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables[f"WEIR_BUILD_{part}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        for generated in ("cmake", "pkgconfig"):
            rmdir(self, os.path.join(self.package_folder, "lib", generated))
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "weir")
        self.cpp_info.set_property("cmake_target_name", "weir::weir")

        core = self.cpp_info.components["core"]
        core.set_property("cmake_target_name", "weir::core")
        core.set_property("pkg_config_name", "weir-core")
        core.requires = ["abseil::abseil", "xxhash::xxhash"]
        core.libdirs = []
        core.bindirs = []

        compiled = self.cpp_info.components["weir"]
        compiled.set_property("cmake_target_name", "weir::weir")
        compiled.set_property("pkg_config_name", "weir")
        compiled.libs = ["weir"]
        compiled.requires = ["core"]
