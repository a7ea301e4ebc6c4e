#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "covert/kit/report.hpp"

namespace sluice::covert {

namespace {

constexpr char kStyle[] =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#1c2430}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .6em;vertical-align:top}"
    "tr{border-bottom:1px solid #e3e7ee}tr.class td{font-weight:600;padding-top:1em;background:#f4f6fa}"
    "td.rate{font-variant-numeric:tabular-nums;white-space:nowrap}small{color:#5a6675}"
    ".high{color:#a4161a;font-weight:600}.audit{color:#b05f00;font-weight:600}.fine{color:#1c6b3a}"
    ".doubt{color:#6a1fa0;font-weight:600}svg text{font:12px system-ui,sans-serif;fill:#1c2430}"
    "figure{display:inline-block;margin:.5em 1em .5em 0}figcaption{font-size:13px}";

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += letter;
    }
  }
  return safe;
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

const char* style_of(const Row& row) {
  switch (row.verdict) {
    case Verdict::closed:
    case Verdict::none_found:
      return "fine";
    case Verdict::found:
      return row.rate() > 100 ? "high" : row.rate() >= 1 ? "audit" : "fine";
    case Verdict::control_failed:
    case Verdict::not_to_be_tried:
    case Verdict::failed:
      return "doubt";
  }
  return "";
}

std::string table(const Report& report) {
  std::string text =
      "<table><tr><th>means</th><th>needs</th><th>kind</th><th>control</th><th>flow</th><th>apart</th>"
      "<th>verdict</th></tr>\n";
  int number_of_class = 0;
  for (const Row& row : report.rows) {
    if (row.means->number != number_of_class) {
      number_of_class = row.means->number;
      text += "<tr class=class><td colspan=7>" + std::to_string(number_of_class) + ". " +
              escaped(title_of_class(number_of_class)) + "</td></tr>\n";
    }
    text += "<tr><td>" + escaped(row.means->name) + "<br><small>" + escaped(row.means->what) + "</small></td><td>" +
            escaped(row.means->needs) + "</td><td>" + (row.means->kind == Kind::storage ? "storage" : "timing") +
            "</td>";
    for (const Setting setting : kSettings) text += "<td class=rate>" + escaped(as_text(row.in(setting))) + "</td>";
    text += std::string("<td class=") + style_of(row) + ">" + escaped(describe(row)) + "</td></tr>\n";
  }
  return text + "</table>\n";
}

// The chart of rates: logarithmic, from 0.01 to 100,000 bit/s.
constexpr double kLowest = -2;
constexpr double kHighest = 5;
constexpr double kLeft = 190;
constexpr double kWidth = 700;

double place(double rate) {
  const double decades = rate <= 0 ? kLowest : std::clamp(std::log10(rate), kLowest, kHighest);
  return kLeft + (decades - kLowest) / (kHighest - kLowest) * kWidth;
}

std::string svg_line(double x1, double y1, double x2, double y2, const char* colour, double width) {
  return "<line x1='" + number(x1) + "' y1='" + number(y1) + "' x2='" + number(x2) + "' y2='" + number(y2) +
         "' stroke='" + colour + "' stroke-width='" + number(width) + "'/>";
}

/// A dot with its interval; an open one at the upper end where nothing was found.
std::string mark(const Outcome& outcome, double y, const char* colour) {
  if (outcome.state != Outcome::State::measured) return "";
  const Estimate& found = outcome.estimate;
  const std::string fill = found.found ? colour : "white";
  return svg_line(place(found.found ? found.low : 0), y, place(found.high), y, colour, 2) + "<circle cx='" +
         number(place(found.found ? found.rate : found.high)) + "' cy='" + number(y) + "' r='4' fill='" + fill +
         "' stroke='" + colour + "'/>";
}

std::string chart(const Report& report) {
  const double height = 40 + 26 * static_cast<double>(report.rows.size());
  std::string svg = "<svg width='960' height='" + number(height) + "' role='img' aria-label='rates'>";
  for (int decade = static_cast<int>(kLowest); decade <= static_cast<int>(kHighest); ++decade) {
    const double x = place(std::pow(10, decade));
    svg += svg_line(x, 20, x, height, decade == 0 || decade == 2 ? "#c58b8b" : "#e3e7ee", 1) + "<text x='" +
           number(x - 12) + "' y='14'>" + number(std::pow(10, decade)) + "</text>";
  }
  double y = 36;
  for (const Row& row : report.rows) {
    svg += "<text x='0' y='" + number(y + 4) + "'>" + std::to_string(row.means->number) + " " +
           escaped(row.means->name) + "</text>";
    svg += mark(row.in(Setting::control), y - 6, "#8a94a3") + mark(row.in(Setting::flow), y, "#a4161a") +
           mark(row.in(Setting::apart), y + 6, "#1f4fa0");
    y += 26;
  }
  return svg + "</svg>";
}

/// What the receiver saw: for each bin of its most telling value, how often it came with bit 0 and with bit 1.
std::string picture(const Row& row, Setting setting) {
  const Outcome& outcome = row.in(setting);
  if (outcome.state != Outcome::State::measured || outcome.estimate.picture.size() != 2) return "";
  const auto& bits = outcome.estimate.picture;
  std::uint64_t most = 1;
  for (const auto& bit : bits) {
    for (const std::uint64_t count : bit) most = std::max(most, count);
  }
  std::string svg = "<figure><svg width='200' height='70' role='img'>";
  const double step = 190.0 / static_cast<double>(bits[0].size());
  for (std::size_t bin = 0; bin < bits[0].size(); ++bin) {
    for (std::size_t bit = 0; bit < 2; ++bit) {
      const double tall = 60.0 * static_cast<double>(bits[bit][bin]) / static_cast<double>(most);
      const double x = static_cast<double>(bin) * step + static_cast<double>(bit) * step * 0.45;
      svg += "<rect x='" + number(x) + "' y='" + number(65 - tall) + "' width='" + number(step * 0.42) + "' height='" +
             number(tall) + "' fill='" + (bit == 0 ? "#9db4d6" : "#a4161a") + "'/>";
    }
  }
  return svg + "</svg><figcaption>" + escaped(row.means->name) + ", " + name_of(setting) + "</figcaption></figure>";
}

}  // namespace

std::string as_html(const Report& report) {
  std::string text =
      "<!doctype html><html lang=en><meta charset=utf-8><title>Covert channels</title><style>" + std::string(kStyle) +
      "</style>\n<h1>Covert channels</h1>\n<p>" + std::to_string(report.rows.size()) + " means, " +
      number(report.seconds) +
      " s. Controls: " + (report.controls_caught() ? "all caught" : "<b class=doubt>not all caught</b>") + ". Limit " +
      number(report.limit) + " bit/s: " + (report.within_limit() ? "kept" : "<b class=high>passed by some</b>") +
      ".</p>\n" + table(report);
  text +=
      "<h2>Rates</h2>\n<p>Bits per second, logarithmic, with 95 % intervals. Grey: the positive control; red: with a "
      "flow from the receiver up to the sender; blue: without any. An open circle: nothing found, and this much would "
      "have shown. Lines at 1 and 100 bit/s.</p>\n" +
      chart(report);
  text +=
      "\n<h2>What the receiver saw</h2>\n<p>Its most telling value, in bins with equal numbers of symbols: how often "
      "each bin came with bit 0 (blue) and with bit 1 (red). A useless channel shows pairs of equal height.</p>\n";
  for (const Row& row : report.rows) {
    for (const Setting setting : kSettings) text += picture(row, setting);
  }
  return text + "\n</html>\n";
}

}  // namespace sluice::covert
