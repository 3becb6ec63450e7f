/* "Claims": what runs and published figures say about statements, each with its number. */
#include "analysis/report/claims_sections.h"
#include "analysis/report/report_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PARTS_MOST = 200 };

static const char *verdict_word(enum claim_verdict verdict) {
  static const char *const words[] = {
      [CLAIM_SUPPORTED] = "supported", [CLAIM_NOT_SUPPORTED] = "not supported", [CLAIM_NOT_TESTED] = "not tested"};
  return words[verdict];
}

/* What is measured, in words: "energy_drift of model.integrator.name: leapfrog over that of euler". */
static void say_quantity(const struct claim *claim, bool ratio, char text[256]) {
  if (claim->compare.values > 0)
    snprintf(text, 256, "%s, %s%s%s (%s)", claim->quantity, claim->compare.value[0], ratio ? " over " : " less ",
             claim->compare.value[1], claim->compare.key);
  else
    snprintf(text, 256, "%s", claim->quantity);
}

static void say_test(const struct claim *claim, char text[64]) {
  if (isnan(claim->bound))
    snprintf(text, 64, "%s", claim_test_name(claim->test));
  else
    snprintf(text, 64, "%s %g", claim_test_name(claim->test), claim->bound);
}

static void write_range(struct page *page, const struct claim_part *part) {
  if (isnan(part->range.low))
    page_cell(page, "%s", "");
  else
    page_cell(page, "%.4g to %.4g", part->range.low, part->range.high);
}

/* A row of the table. */
static void write_claim(struct page *page, int64_t number, const struct claim *claim,
                        const struct claim_answer *answer) {
  const struct claim_part *worst = answer->worst >= 0 ? &answer->part[answer->worst] : NULL;
  char quantity[256], test[64];
  say_quantity(claim, worst ? worst->ratio : true, quantity);
  say_test(claim, test);
  page_cell(page, "%lld", (long long)number);
  page_cell(page, "%s", claim->text);
  page_cell(page, "%s", verdict_word(answer->verdict));
  report_number(page, "%.4g", worst ? worst->value : (double)NAN);
  page_cell(page, "%s%s%s", answer->reason, *answer->reason && *claim->note ? ". " : "", claim->note);
  if (worst)
    write_range(page, worst);
  else
    page_cell(page, "%s", "");
  report_number(page, "%.2g", answer->adjusted);
  page_cell(page, "%s: %s", quantity, test);
}

/* Those that were tested first. */
static void write_claims(struct page *page, const struct claims *claims, const struct claim_answers *answers) {
  static const struct page_column column[] = {
      {"no.", true},     {"claim", false},       {"verdict", false},     {"number", true},
      {"remark", false}, {"95% interval", true}, {"p, corrected", true}, {"what, and the test", false}};
  page_table_begin(
      page, "claims-asked",
      "Claims. Number: where several groups of runs are asked, that of the group which is least as claimed. "
      "p: of the claim's test, after Holm's correction for all claims that were tested.",
      column, sizeof column / sizeof *column);
  for (int tested = 1; tested >= 0; tested--)
    for (int64_t i = 0; i < claims->count; i++)
      if ((answers->answer[i].verdict != CLAIM_NOT_TESTED) == tested)
        write_claim(page, i + 1, &claims->claim[i], &answers->answer[i]);
  page_table_end(page);
}

/* Of a pair: how many seeds agree, with Wilson's interval, and the exact test beside Student's. */
static void write_pairs(struct page *page, const struct claim_part *part, bool pairs) {
  if (!pairs) {
    page_cell(page, "%s", "");
    page_cell(page, "%s", "");
    return;
  }
  const struct statistics_interval range = statistics_wilson(part->agree, part->mean.count, 0.95);
  page_cell(page, "%lld of %lld (%.2f to %.2f)", (long long)part->agree, (long long)part->mean.count, range.low,
            range.high);
  report_number(page, "%.3g", part->flips);
}

static void write_parts(struct page *page, const struct claims *claims, const struct claim_answers *answers) {
  static const struct page_column column[] = {{"claim", true},
                                              {"runs", false},
                                              {"seeds", true},
                                              {"number", true},
                                              {"95% interval", true},
                                              {"as claimed", false},
                                              {"p, t test", true},
                                              {"pairs as claimed (95% interval)", true},
                                              {"p, exact test of signs", true}};
  int64_t parts = 0;
  for (int64_t i = 0; i < claims->count; i++) parts += answers->answer[i].parts;
  if (parts == 0) return;
  page_table_begin(page, "claims-runs",
                   "The runs behind each claim, by its number. A ratio of pairs is the geometric mean "
                   "over seeds. p-values here are not corrected for the number of claims.",
                   column, sizeof column / sizeof *column);
  int64_t written = 0;
  for (int64_t i = 0; i < claims->count; i++)
    for (int64_t k = 0; k < answers->answer[i].parts && written < PARTS_MOST; k++, written++) {
      const struct claim_part *part = &answers->answer[i].part[k];
      page_cell(page, "%lld", (long long)i + 1);
      page_cell(page, "%s", part->runs);
      if (claims->claim[i].model)
        page_cell(page, "%s", "");
      else
        page_cell(page, "%lld", (long long)part->mean.count);
      report_number(page, "%.4g", part->value);
      write_range(page, part);
      page_cell(page, "%s", part->holds ? "yes" : "no");
      report_number(page, "%.3g", part->p);
      write_pairs(page, part, claims->claim[i].compare.values > 0);
    }
  page_table_end(page);
  if (parts > PARTS_MOST)
    page_remark(page, PAGE_REMARK, "%lld more groups of runs are not listed.", (long long)(parts - PARTS_MOST));
}

void claims_section(struct page *page, const struct claims *claims, const struct run_facts *runs, int64_t count) {
  struct claim_answers answers;
  int64_t found[3] = {0};
  page_heading(page, 1, "claims", "Claims");
  if (claims_answer(claims, runs, count, &answers) != STATUS_OK) {
    page_remark(page, PAGE_MISSING, "Claims: %s", status_message());
    status_clear();
  } else {
    for (int64_t i = 0; i < claims->count; i++) found[answers.answer[i].verdict]++;
    page_text(
        page,
        "%lld statements: %lld supported, %lld not supported, %lld not tested. A claim is supported when its number "
        "is as claimed for every group of runs that is asked, and chance is ruled out: p below %g by a one-sided t "
        "test over seeds, paired by seeds where two kinds of runs are compared, corrected for the number of claims. "
        "Not supported is not refuted: the remark says which.",
        (long long)claims->count, (long long)found[CLAIM_SUPPORTED], (long long)found[CLAIM_NOT_SUPPORTED],
        (long long)found[CLAIM_NOT_TESTED], CLAIMS_ALPHA);
    write_claims(page, claims, &answers);
    write_parts(page, claims, &answers);
  }
  claims_answers_close(&answers);
}

void claims_sections_of(struct page *page, const struct claims *claims, const struct run_facts *runs, int64_t count) {
  published_section(page, runs, count);
  claims_section(page, claims, runs, count);
}

void claims_sections(struct page *page, const struct run_facts *runs, int64_t count) {
  struct claims claims;
  if (claims_builtin(&claims) == STATUS_OK) {
    claims_sections_of(page, &claims, runs, count);
  } else {
    page_remark(page, PAGE_MISSING, "Claims: %s", status_message());
    status_clear();
  }
  claims_close(&claims);
}
