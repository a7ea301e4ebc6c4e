// Intrusive doubly linked list: no allocation, removal from the middle in constant time.
#pragma once

namespace sluice::interpose {

/// The place of an element in one list. An element that is in several lists has several links.
template <typename T>
struct Link {
  T* previous = nullptr;
  T* next = nullptr;
};

/// List of elements through their member `link`. Owns nothing.
template <typename T, Link<T> T::*link>
class List {
 public:
  [[nodiscard]] T* first() const noexcept { return first_; }
  [[nodiscard]] static T* after(const T& element) noexcept { return (element.*link).next; }
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  void push_back(T& element) noexcept {
    element.*link = {last_, nullptr};
    (last_ != nullptr ? (last_->*link).next : first_) = &element;
    last_ = &element;
  }

  /// Precondition: `element` is in this list.
  void remove(T& element) noexcept {
    Link<T>& own = element.*link;
    (own.previous != nullptr ? (own.previous->*link).next : first_) = own.next;
    (own.next != nullptr ? (own.next->*link).previous : last_) = own.previous;
    own = {};
  }

  /// Takes the first element out; null if there is none.
  T* pop_front() noexcept {
    T* element = first_;
    if (element != nullptr) remove(*element);
    return element;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace sluice::interpose
