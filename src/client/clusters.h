#ifndef UDPECHO_CLUSTERS_H
#define UDPECHO_CLUSTERS_H

/*
 * Whether the worst of many rows differ from the rest by more than chance.
 *
 * The k worst of n rows are compared with the others by Fisher's exact test, one-sided: given how
 * many of all trials failed, how likely is it that so many fall on these k? The k are chosen
 * because they are the worst, so this is multiplied by the number of ways to choose k of n, and by
 * k * (k + 1), whose reciprocals sum to 1, for the choice of k (Bonferroni's correction). If no row
 * differs, a difference is found in fewer than CLUSTERS_ERROR of all cases, whatever the common
 * rate is. There may be any number of bad rows, more than half of them, too. Pure.
 */

#define CLUSTERS_ERROR 0.004

typedef struct trials {
    double failed;
    double all; /* 0: the row says nothing */
} trials_t;

/* The logarithm of the corrected probability that `worst`, the sum of `k` rows, differs as much
 * from the rest of `count` rows, whose sum with them is `total`; 0 if it is no worse than the rest.
 */
double clusters_log_probability(trials_t worst, unsigned k, trials_t total, unsigned count);

/* How many of the first rows differ from the others; 0: none does. The rows are in order, those
 * that fail most often first. */
unsigned clusters_find(const trials_t *rows, unsigned count);

#endif
