"""From the checked tree to C++20."""
