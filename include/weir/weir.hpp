#pragma once

/// \file
/// Everything but the testing kit.

#include <weir/aggregate/aggregate.hpp>
#include <weir/base/fields.hpp>
#include <weir/graph/graph.hpp>
#include <weir/operators/aggregate.hpp>
#include <weir/operators/dedup.hpp>
#include <weir/operators/each.hpp>
#include <weir/operators/features.hpp>
#include <weir/operators/filter.hpp>
#include <weir/operators/flat_map.hpp>
#include <weir/operators/key_by.hpp>
#include <weir/operators/latest.hpp>
#include <weir/operators/map.hpp>
#include <weir/operators/merge.hpp>
#include <weir/operators/sink.hpp>
#include <weir/operators/windows.hpp>
#include <weir/version.hpp>
#include <weir/view/view.hpp>
#include <weir/window/emission_token.hpp>
