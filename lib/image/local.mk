noinst_LTLIBRARIES += libimage.la
libimage_la_SOURCES =
