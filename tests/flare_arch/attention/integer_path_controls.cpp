// Functions the search of integer_path_test must find: each breaks one rule of the integer path.
#include <cmath>
#include <cstdint>

std::int64_t control_divide(std::int64_t a, std::int64_t b) { return a / b; }
std::uint32_t control_remainder(std::uint32_t a, std::uint32_t b) { return a % b; }
double control_multiply(double a, double b) { return a * b; }
float control_compare(float a, float b) { return a < b ? a : b; }
double control_convert(std::int64_t a) { return static_cast<double>(a); }
double control_call(double a, int b) { return std::ldexp(a, b); }
// And one that breaks none: a shift and a multiplication, with constants that compilers like to divide by.
std::int64_t control_clean(std::int64_t a, std::int64_t b) { return (a * b) >> 3; }
