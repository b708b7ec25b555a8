// The standard normal law in logarithms, where probabilities of 40 sigma do not underflow.
#pragma once

namespace flare::analysis {

/// ln Pr(X > x) = ln Phi(-x).
double log_upper_tail(double x);
/// The x with ln Pr(X > x) = log_p (<= 0): sigma of a log probability.
double upper_tail_quantile(double log_p);
/// phi(x)/Phi(-x): -d(ln P)/d(sigma). A relative error of P, divided by it, is an error in sigma.
double normal_hazard(double x);
/// ln(exp(a) - exp(b)) for a >= b.
double log_difference(double a, double b);
/// ln(exp(a) + exp(b)).
double log_sum(double a, double b);

}  // namespace flare::analysis
