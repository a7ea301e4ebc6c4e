#include "trusted/policy/tree.hpp"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

#include "trusted/policy/text.hpp"

namespace sluice::policy {
namespace {

Place place_of(const YAML::Mark& mark) {
  if (mark.line < 0 || mark.column < 0) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

/// Builds the tree out of yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(Mistakes& mistakes) : mistakes_(mistakes) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) mistakes_.add(place_of(mark), "a second document starts here", "a policy is one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({NodeKind::null, place_of(mark), {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    mistakes_.add(place_of(mark), "an alias (*NAME) is not allowed in a policy", "write out what it stands for");
    add({NodeKind::null, place_of(mark), {}, {}});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (value.find('\0') != std::string::npos) mistakes_.add(place_of(mark), "a text may not hold a zero byte");
    add({NodeKind::text, place_of(mark), value, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(NodeKind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(NodeKind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  [[nodiscard]] std::optional<Node> take() { return std::move(root_); }

 private:
  void open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open_.push_back({kind, place_of(mark), {}, {}});
  }
  void close() {
    Node done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
  }
  void add(Node node) {
    if (!open_.empty()) {
      const Node& parent = open_.back();
      const bool is_value = parent.kind == NodeKind::map && parent.items.size() % 2 == 1;
      if (is_value && node.kind == NodeKind::null) node.place = parent.items.back().place;  // it has no place itself
      open_.back().items.push_back(std::move(node));
    } else if (!root_) {
      root_ = std::move(node);
    }
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) mistakes_.add(place_of(mark), "an anchor (&NAME) is not allowed in a policy", "leave it out");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    mistakes_.add(place_of(mark), "the tag " + quote(tag) + " is not allowed in a policy", "leave it out");
  }

  Mistakes& mistakes_;
  std::optional<Node> root_;
  std::vector<Node> open_;
  int documents_ = 0;
};

/// Reports bytes that no policy holds, and tabs that indent: YAML forbids them, and parsers say so badly.
bool check_characters(std::string_view text, Mistakes& mistakes) {
  Place place;
  bool indenting = true;
  bool good = true;
  const auto refuse = [&](const char* what, const char* fix) {
    mistakes.add(place, what, fix);
    good = false;
  };
  while (!text.empty() && !mistakes.full()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t size = utf8_bytes(text);
    if (size == 0) refuse("this byte is not UTF-8", "save the policy as UTF-8");
    if (first == '\t' && indenting) {
      refuse("a tab indents this line", "indent with spaces");
      indenting = false;
    }
    if (first == 0x7f || (first < 0x20 && first != '\t' && first != '\n' && first != '\r')) {
      refuse("a control character", "remove it");
    }
    if (first != ' ') indenting = false;
    ++place.column;
    if (first == '\n') {
      place = {place.line + 1, 1};
      indenting = true;
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return good;
}

}  // namespace

std::string_view describe(NodeKind kind) noexcept {
  switch (kind) {
    case NodeKind::null:
      return "empty";
    case NodeKind::text:
      return "a text";
    case NodeKind::list:
      return "a list";
    case NodeKind::map:
      return "a map";
  }
  return "?";
}

std::optional<Node> read_tree(std::string_view text, Mistakes& mistakes) {
  if (!check_characters(text, mistakes)) return std::nullopt;
  Builder builder(mistakes);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder) && !mistakes.full()) {
    }
  } catch (const YAML::DeepRecursion& error) {
    mistakes.add(place_of(error.mark), "brackets and braces are nested too deeply", "a policy needs a few levels only");
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    mistakes.add(place_of(error.mark), "this is not YAML: " + error.msg,
                 "look at the indentation, brackets and quotes here and just above");
    return std::nullopt;
  } catch (const std::exception& error) {
    mistakes.add({}, std::string("this is not YAML: ") + error.what());
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace sluice::policy
