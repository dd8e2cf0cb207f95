/* confine.h: what the program may do from a point on. */
#ifndef IV_CLI_HDF5_CONFINE_H
#define IV_CLI_HDF5_CONFINE_H

/* From now on the program reads and writes what it has open, takes and gives memory and ends; whatever else it asks of the
 * system fails, as it would without the right. Where the system has no such thing, and in sanitizers' builds, it does
 * nothing. */
void confine(void);

#endif
