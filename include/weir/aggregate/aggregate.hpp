#pragma once

#include <weir/aggregate/aggregator.hpp>
#include <weir/aggregate/approx_distinct.hpp>
#include <weir/aggregate/arg.hpp>
#include <weir/aggregate/autocorrelation.hpp>
#include <weir/aggregate/count.hpp>
#include <weir/aggregate/decay.hpp>
#include <weir/aggregate/distinct.hpp>
#include <weir/aggregate/distinct_k.hpp>
#include <weir/aggregate/drawdown.hpp>
#include <weir/aggregate/elapsed.hpp>
#include <weir/aggregate/extrema.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/logic.hpp>
#include <weir/aggregate/mean.hpp>
#include <weir/aggregate/means.hpp>
#include <weir/aggregate/moments.hpp>
#include <weir/aggregate/nth.hpp>
#include <weir/aggregate/position.hpp>
#include <weir/aggregate/quantile.hpp>
#include <weir/aggregate/ratio.hpp>
#include <weir/aggregate/relation.hpp>
#include <weir/aggregate/row.hpp>
#include <weir/aggregate/streak.hpp>
#include <weir/aggregate/sum.hpp>
#include <weir/aggregate/timing.hpp>
#include <weir/aggregate/top_k.hpp>
#include <weir/aggregate/variance.hpp>
#include <weir/aggregate/wide_sum.hpp>
#include <weir/aggregate/with.hpp>

/// \file
/// The whole room.
