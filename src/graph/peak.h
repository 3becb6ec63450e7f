/* What this core can do at most, measured: for benchmarks to be read against. Not collective. */
#ifndef HGN_GRAPH_PEAK_H
#define HGN_GRAPH_PEAK_H

/* f32 multiply-adds in registers, both counted, at the level in force; flop/s. Base: separate multiply and add. */
double peak_flops(void);

#endif
