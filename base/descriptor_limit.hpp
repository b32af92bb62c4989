#pragma once

namespace coppice {

/// Lets this process open as many descriptors as the system allows it.
void raise_descriptor_limit() noexcept;

}  // namespace coppice
