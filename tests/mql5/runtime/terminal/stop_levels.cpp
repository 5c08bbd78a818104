#include "stop_levels.hpp"

#include <cmath>

#include "broker.hpp"
#include "market.hpp"

namespace mql::host {
namespace {

// Less than any step of a price, more than the rounding of doubles, in points and in steps.
constexpr double kHair = 1e-6;

// How far a level lies from the price in the way of the profit, in points.
double points_ahead(Side side, double level) {
  return direction(side) * (level - Broker::closing_price(side)) / market().symbol().point;
}

bool on_grid(double price) {
  return std::abs(price - market().normalised(price)) < kHair * market().symbol().point;
}

}  // namespace

bool stops_are_valid(Side side, double sl, double tp) {
  const double level = market().symbol().stops_level;
  const bool stop_fits = sl == 0.0 || (on_grid(sl) && -points_ahead(side, sl) + kHair >= level);
  const bool target_fits = tp == 0.0 || (on_grid(tp) && points_ahead(side, tp) + kHair >= level);
  return sl >= 0.0 && tp >= 0.0 && stop_fits && target_fits;
}

bool is_frozen(const Position &position) {
  const double level = market().symbol().freeze_level;
  if (level <= 0.0) return false;
  const auto is_near = [&](double price) {
    return price > 0.0 && std::abs(points_ahead(position.side, price)) <= level + kHair;
  };
  return is_near(position.sl) || is_near(position.tp);
}

bool volume_is_valid(double volume) {
  const SymbolSpecification &symbol = market().symbol();
  const double steps = volume / symbol.volume_step;
  return volume >= symbol.volume_min - kHair * symbol.volume_step &&
         volume <= symbol.volume_max + kHair * symbol.volume_step &&
         std::abs(steps - std::round(steps)) < kHair;
}

}  // namespace mql::host
