# edges.plot: long texts, gaps, extremes, empty panels; everything has to stay on the page.
title	Edges: a title that is far too long for one line, and for two, so that the page shortens it in its middle, which is here, and nobody will miss it much, because what matters stands at the end: the name of the run
columns	2
panel
panel-title	constant, with a break and a lone point
x-label	x, which has a long name that does not fit below such a narrow frame, not at all
y-label	a y-label that is longer than its frame is tall, and is shortened
line	kept
point	1	-0.002
point	2	-0.002
point	3	nan
point	4	-0.002
point	5	-inf
point	6	-0.002
point	7	-0.002
marker	1	at the left end
marker	4	in the middle
marker	4.1	beside it
marker	7	at the right end
panel
panel-title	one decade after another
log-y
line	falls
point	0	3e7
point	1	12
point	2	0
point	3	4e-5
point	4	1e-9
panel
panel-title	many names
line	α
point	10000000	0
point	12500000	0.5
point	15000000	0.0
line	β
point	10000000	1
point	12500000	1.5
point	15000000	0.1111111111111111
line	γ
point	10000000	2
point	12500000	2.5
point	15000000	0.4444444444444444
line	δ
point	10000000	3
point	12500000	3.5
point	15000000	1.0
line	a name so long that it fills the whole width of the frame and then some more of it
point	10000000	4
point	12500000	4.5
point	15000000	1.7777777777777777
line	ж
point	10000000	5
point	12500000	5.5
point	15000000	2.7777777777777777
line	z
point	10000000	6
point	12500000	6.5
point	15000000	4.0
line	8th
point	10000000	7
point	12500000	7.5
point	15000000	5.444444444444445
line	9th
point	10000000	8
point	12500000	8.5
point	15000000	7.111111111111111
panel
panel-title	nothing
line	nothing
note	A note of several lines: nothing was measured here, since the run was stopped before its first step had ended, and so there is nothing to be drawn, and nothing to be read but this.
panel
panel-title	bars
bars
bar	all	1
bar	nearly all	0.99991
bar	half, with a label that is far too long for its place	0.5
bar	hardly any	1e-7
bar	none	0
panel
bars
end
