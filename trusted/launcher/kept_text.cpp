#include "trusted/launcher/kept_text.hpp"

namespace sluice::launcher {

void KeptText::add(std::string& out, std::size_t writer, std::string_view prefix, std::string_view text, bool ended) {
  if (open_ != writer) {
    finish(out);
    out += prefix;
  }
  out += text;
  open_ = writer;
  if (ended) finish(out);
}

void KeptText::finish(std::string& out) {
  if (open_) out += '\n';
  open_.reset();
}

}  // namespace sluice::launcher
