#pragma once

#include <weir/aggregate/aggregator.hpp>
#include <weir/aggregate/arg.hpp>
#include <weir/aggregate/count.hpp>
#include <weir/aggregate/distinct.hpp>
#include <weir/aggregate/elapsed.hpp>
#include <weir/aggregate/extrema.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/logic.hpp>
#include <weir/aggregate/mean.hpp>
#include <weir/aggregate/position.hpp>
#include <weir/aggregate/row.hpp>
#include <weir/aggregate/sum.hpp>
#include <weir/aggregate/variance.hpp>
#include <weir/aggregate/with.hpp>

/// \file
/// The whole room.
