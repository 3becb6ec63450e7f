typedef int hgn_placeholder;
