#pragma once

/// \file
/// The whole testing kit.

#include <weir/testing/harness.hpp>
#include <weir/testing/laws.hpp>
#include <weir/testing/oracle.hpp>
#include <weir/testing/script.hpp>
