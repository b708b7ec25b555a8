// The standard normal law far out: its one home. In logarithms probabilities of 40 sigma do not underflow.
#pragma once

namespace flare::analysis {

/// phi(z).
double normal_density(double z);
/// P(Z > beta), full relative accuracy; 0 from about 38 sigma on, where a double ends.
double normal_tail(double beta);
/// ln Pr(X > x) = ln Phi(-x), for any x.
double log_upper_tail(double x);
/// -Phi^-1(p): beta with P(Z > beta) = p. NaN for NaN; +-infinity for 0 and 1.
double sigma_of_probability(double p);
/// The x with ln Pr(X > x) = log_p (<= 0): sigma of a log probability.
double upper_tail_quantile(double log_p);
/// phi(x)/Phi(-x): -d(ln P)/d(sigma). A relative error of P, divided by it, is an error in sigma.
double normal_hazard(double x);
/// ln(exp(a) - exp(b)) for a >= b.
double log_difference(double a, double b);
/// ln(exp(a) + exp(b)).
double log_sum(double a, double b);

}  // namespace flare::analysis
