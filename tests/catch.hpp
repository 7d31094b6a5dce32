#pragma once

// Catch2 version 3 has many headers, version 2 (Debian 12) has one. Tests include this file and use what both have:
// `Catch::Approx`, `Catch::Generators`; no SKIP, no string matchers, no reporter by name.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
