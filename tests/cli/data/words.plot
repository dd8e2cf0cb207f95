# words.plot: next words after two prompts at two temperatures, as `ivory plot RUN` describes them.
title	The five likeliest next words
columns	2
panel
panel-title	recipe for roasted vegetables with
x-label	temperature 1.0
bars
bar	lemon	0.102
bar	garlic	0.093
bar	roasted	0.061
bar	,	0.034
bar	|	0.027
panel
panel-title	recipe for roasted vegetables with
x-label	temperature 0.2
bars
bar	lemon	0.5727
bar	garlic	0.3608
bar	roasted	0.04381
bar	,	0.002357
bar	|	0.0007442
panel
panel-title	recipe for chocolate ice cream |
x-label	temperature 1.0
bars
bar	preheat	0.201
bar	in	0.153
bar	combine	0.098
bar	bring	0.061
bar	stir	0.057
panel
panel-title	recipe for chocolate ice cream |
x-label	temperature 0.2
bars
bar	preheat	0.7615
bar	in	0.1946
bar	combine	0.02098
bar	bring	0.00196
bar	stir	0.001397
end
