#include "client/clusters.h"

#include <assert.h>
#include <math.h>

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* The tail of the hypergeometric distribution: the probability that `failed` or more of
 * `total.failed` failures are among `all` of `total.all` trials, which is more than the mean, so
 * that the terms decrease. */
static double log_tail(trials_t worst, trials_t total)
{
    double sound = total.all - worst.all - total.failed;
    double x = worst.failed;
    double term = 1;
    double sum = 1;

    while (x < worst.all && x < total.failed && term > sum * 1e-9) {
        term *= (worst.all - x) / (x + 1) * ((total.failed - x) / (sound + x + 1));
        sum += term;
        x++;
    }
    return log_choose(worst.all, worst.failed) +
           log_choose(total.all - worst.all, total.failed - worst.failed) -
           log_choose(total.all, total.failed) + log(sum);
}

double clusters_log_probability(trials_t worst, unsigned k, trials_t total, unsigned count)
{
    assert(k <= count && worst.all <= total.all);
    if (worst.failed * total.all <= total.failed * worst.all) {
        return 0;
    }
    return log_tail(worst, total) + log_choose(count, k) + log(k * (k + 1.0));
}

static int fails_less(trials_t one, trials_t other)
{
    return one.failed * other.all < other.failed * one.all;
}

unsigned clusters_find(const trials_t *rows, unsigned count)
{
    trials_t total = {0, 0};
    trials_t worst = {0, 0};
    double least = log(CLUSTERS_ERROR);
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        total.failed += rows[i].failed;
        total.all += rows[i].all;
    }
    for (unsigned k = 1; k < count; k++) {
        worst.failed += rows[k - 1].failed;
        worst.all += rows[k - 1].all;
        assert(!fails_less(rows[k - 1], rows[k]));
        if (fails_less(rows[k], rows[k - 1])) {
            double probability = clusters_log_probability(worst, k, total, count);

            if (probability < least) {
                least = probability;
                found = k;
            }
        }
    }
    return found;
}
