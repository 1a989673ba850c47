// What a step that Python calls tells it.

#pragma once

#include <new>

namespace {

// Runs a step; tells whether there was memory enough for it.
template <typename Step>
int done(Step step) {
  try {
    step();
    return 1;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

}  // namespace
