# Small data that scripts share, always the same; to be read after lib.sh: . "$tests/cli/small_data.sh"
#
#   small_stories N      prints so many stories in bAbI's layout: two persons, who each go somewhere and are asked for
#   small_articles       makes reuters-21578/ and glove/ here, for `sentences`: 40 articles, and vectors of their words
#   small_table          prints a table as CSV: a price that follows from area and rooms, with gaps, a text, a number of
#                        the row and a constant

small_stories()
{
    awk -v n="$1" 'BEGIN {
        split("Mary John Sandra Daniel", who, " "); split("hall garden kitchen office", where, " ")
        for (i = 0; i < n; i++) {
            a = i % 4 + 1; b = (i + 1 + int(i / 16) % 3) % 4 + 1; p = int(i / 4) % 4 + 1; q = int(i * 7 / 5) % 4 + 1
            printf "1 %s went to the %s.\n2 %s went to the %s.\n3 Where is %s? \t%s\t1\n", who[a], where[p], who[b], where[q], who[a], where[p]
            printf "4 %s went to the %s.\n5 Where is %s? \t%s\t4\n", who[a], where[q], who[a], where[q]
        }
    }'
}

small_articles()
{
    mkdir -p reuters-21578 glove
    awk 'BEGIN {
        split("oil gold wheat steel", what, " "); split("rose fell jumped sank", did, " ")
        for (i = 0; i < 40; i++) {
            t = i % 2 ? "<D>earn</D>" : i % 3 ? "<D>crude</D>" : ""
            printf "<REUTERS><TOPICS>%s</TOPICS><TEXT><BODY>", t
            for (j = 0; j < 4; j++)
                printf "%s %s %d dlrs in the %s. ", i % 2 ? "Profit of" : "Price of", what[(i + j) % 4 + 1] " " did[int(i / 4 + j) % 4 + 1], 10 + i * j, j % 2 ? "year" : "month"
            print "</BODY></TEXT></REUTERS>"
        }
    }' >reuters-21578/reuters21578.tar # one file of markup does for the archive
    awk 'BEGIN {
        n = split("oil gold wheat steel rose fell jumped sank profit price of in the year month . 99 dlrs", words, " ")
        for (i = 1; i <= n; i++) printf "%s %.3f %.3f %.3f %.3f\n", words[i], sin(i), cos(2 * i), sin(3 * i + 1), cos(i * i)
    }' >glove/glove.6B.50d.8453words.txt
}

small_table()
{
    awk 'BEGIN { print "id;area;rooms;city;flat;price"
        for (i = 1; i <= 240; i++) { a = 30 + (i * 7919 % 170); r = 1 + i * 31 % 6
            s = sprintf("%d;%.1f;%s;%s;1;%s", i, a, i % 12 ? r : "NA", i % 2 ? "Rome" : "Bonn", i % 40 ? 3 * a + 10 * r + 0.5 : "")
            gsub(/\./, ",", s); print s } }'
}
